// Half of the registry, so that the halves can run side by side.
import { testContract } from '../../test/model-contract.js'
import { backbones } from './registry.js'

const names = Object.keys(backbones).filter((name, i) => i % 2 === 1 && name !== 'resnet18')
for (const name of names) testContract(name, { name: 'linear' })
