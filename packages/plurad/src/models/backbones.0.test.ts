// Half of the registry, so that the halves can run side by side.
import { testContract } from '../../test/model-contract.js'
import { backbones } from './registry.js'

const names = Object.keys(backbones)
/** Networks of one paper differ in depth and width alone: the first of them is tested in full. */
const isFirst = (name: string): boolean => {
  const { paper, dims } = backbones[name]
  return names.find((other) => backbones[other].paper === paper && backbones[other].dims === dims) === name
}

for (const name of names.filter((_, i) => i % 2 === 0)) {
  const full = isFirst(name) || /guita|_bn$/.test(name)
  testContract(name, { name: 'linear' }, full ? 'all' : 'shapes')
}
