// Half of the registry, so that the halves can run side by side.
import { testContract } from '../../test/model-contract.js'
import { backbones } from './registry.js'

for (const name of Object.keys(backbones).filter((_, i) => i % 2 === 1))
  testContract(name, { name: 'linear' })
