// The contract of every sixth backbone: each file is a process of its own, whose memory goes back when it ends.
import { testContract } from '../../test/model-contract.js'
import { backbones } from './registry.js'

for (const name of Object.keys(backbones).filter((_, i) => i % 6 === 4))
  testContract(name, { name: 'linear' })
