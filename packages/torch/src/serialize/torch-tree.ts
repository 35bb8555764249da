/** What stands in a file of `torch.save`, under dotted names: dictionaries, lists and whole modules alike. */
import { SerializationError } from '../errors.js'
import { PickleObject, type PickleValue } from './pickle.js'
import { StoredTensor } from './torch-pickle.js'

export interface TorchTree {
  tensors: Map<string, StoredTensor>
  /** Lists of texts, such as label names. */
  lists: Map<string, string[]>
}

const MAX_DEPTH = 100
/** A value may stand in several places, and such places within such places: their number is bounded, not only the file. */
const MAX_VISITS = 1_000_000
const MAX_NAMES = 100_000_000

export function treeOf(root: PickleValue): TorchTree {
  const tree: TorchTree = { tensors: new Map(), lists: new Map() }
  let [visits, names] = [0, 0]
  const visit = (value: PickleValue, path: string, depth: number): void => {
    if (++visits > MAX_VISITS || (names += path.length) > MAX_NAMES || depth > MAX_DEPTH)
      throw new SerializationError('its values lie in each other too deeply or too often')
    if (value instanceof StoredTensor) tree.tensors.set(path, value)
    else if (Array.isArray(value)) {
      if (value.length > 0 && value.every((text) => typeof text === 'string')) tree.lists.set(path, value)
      else value.forEach((item, i) => visit(item, join(path, String(i)), depth + 1))
    } else {
      for (const [key, item] of entriesOf(value)) {
        if (typeof key === 'string' || typeof key === 'number')
          visit(item, join(path, String(key)), depth + 1)
      }
    }
  }
  visit(root, '', 0)
  return tree
}

/** What a module calls its own, in the order of its state dictionary; nothing of other objects. */
function entriesOf(value: PickleValue): Iterable<[PickleValue, PickleValue]> {
  if (value instanceof Map) return value
  if (!(value instanceof PickleObject) || !(value.state instanceof Map)) return []
  const { state } = value
  const part = (name: string): [PickleValue, PickleValue][] => {
    const found = state.get(name)
    return found instanceof Map ? [...found] : []
  }
  const passing = state.get('_non_persistent_buffers_set')
  const stored = part('_buffers').filter(([name]) => !(Array.isArray(passing) && passing.includes(name)))
  const lists = [...state].filter(
    ([, item]) => Array.isArray(item) && item.every((text) => typeof text === 'string'),
  )
  return [...part('_parameters'), ...stored, ...part('_modules'), ...lists]
}

function join(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`
}
