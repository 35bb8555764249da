/**
 * The few functions and classes that a file of `torch.save` needs, as data. Nothing is imported or called: a name that is not
 * listed here makes the file refused, since opened in Python it could run any program.
 */
import { SerializationError } from '../errors.js'
import type { DType } from '../dtype.js'
import { PickleGlobal, PickleLeaf, PickleObject, type Callables, type PickleValue } from './pickle.js'

/** Where the values of one or several tensors stand. */
export class StorageReference extends PickleLeaf {
  override readonly kind = 'storage'

  constructor(
    readonly key: string,
    readonly dtype: DType,
    /** Values from `start` on that tensors may use. */
    readonly count: number,
    /** Values before it, where it is a part of another storage. */
    readonly start: number,
  ) {
    super()
  }
}

/** A tensor as the file describes it. */
export class StoredTensor extends PickleLeaf {
  override readonly kind = 'tensor'

  constructor(
    readonly storage: StorageReference,
    readonly offset: number,
    readonly shape: readonly number[],
    readonly strides: readonly number[],
  ) {
    super()
  }

  get dtype(): DType {
    return this.storage.dtype
  }

  get numel(): number {
    return this.shape.reduce((product, size) => product * size, 1)
  }

  /** Values of the storage from the first to the last that it uses. */
  get span(): number {
    if (this.numel === 0) return 0
    return this.shape.reduce((end, size, i) => end + (size - 1) * this.strides[i], 1)
  }
}

const storageTypes: Readonly<Record<string, DType>> = {
  DoubleStorage: 'float64',
  FloatStorage: 'float32',
  HalfStorage: 'float16',
  BFloat16Storage: 'bfloat16',
  LongStorage: 'int64',
  IntStorage: 'int32',
  ShortStorage: 'int16',
  CharStorage: 'int8',
  ByteStorage: 'uint8',
  BoolStorage: 'bool',
  ComplexFloatStorage: 'complex64',
  ComplexDoubleStorage: 'complex128',
  UntypedStorage: 'uint8',
}

/** Classes of values that training scripts keep beside the weights: they become objects that nobody looks into. */
const inertClasses = new Set([
  'argparse.Namespace',
  'types.SimpleNamespace',
  'torch.device',
  'torch.dtype',
  'builtins.complex',
  'builtins.slice',
  'builtins.range',
  'builtins.object',
  'datetime.datetime',
  'datetime.date',
  'datetime.timedelta',
  'pathlib.Path',
  'pathlib.PosixPath',
  'pathlib.WindowsPath',
  'pathlib.PurePosixPath',
  'pathlib._local.PosixPath',
  'pathlib._local.WindowsPath',
  'numpy.dtype',
  'numpy.ndarray',
  'numpy.core.multiarray.scalar',
  'numpy.core.multiarray._reconstruct',
  'numpy._core.multiarray.scalar',
  'numpy._core.multiarray._reconstruct',
  'yacs.config.CfgNode',
  'easydict.EasyDict',
  'omegaconf.dictconfig.DictConfig',
  'omegaconf.listconfig.ListConfig',
  'omegaconf.base.ContainerMetadata',
  'omegaconf.base.Metadata',
  'omegaconf.nodes.AnyNode',
  'pytorch_lightning.utilities.parsing.AttributeDict',
  'lightning.fabric.utilities.data.AttributeDict',
  'lightning_fabric.utilities.data.AttributeDict',
])

const MAX_DIMENSIONS = 64
/** Entries of dictionaries that are made from lists: each is copied. */
const MAX_COPIED = 5_000_000

function refusal({ path }: PickleGlobal): SerializationError {
  return new SerializationError(
    `it wants to call ${path}, which no file of weights needs. Opened in Python such a file could run any program, so ` +
      'it is refused; nothing of it was run. Get the weights as safetensors, or as a state dictionary ' +
      '(torch.save(model.state_dict(), file)).',
  )
}

export class TorchPickle implements Callables {
  /** Objects of classes that are not known here, until their state shows that they are modules of a network. */
  readonly #pending = new Set<PickleObject>()
  readonly storages: StorageReference[] = []
  #copied = 0

  call(named: PickleGlobal, args: readonly PickleValue[], how: 'call' | 'new'): PickleValue {
    const callee = present(named)
    const known = how === 'call' || containers.has(callee.path) ? this.#known[callee.path] : undefined
    if (known !== undefined) return known(args)
    if (inertClasses.has(callee.path)) return new PickleObject(callee, args)
    if (callee.path === 'copyreg._reconstructor' && args[0] instanceof PickleGlobal)
      return this.call(args[0], [], 'new')
    if (how === 'call' || args.length > 0) throw refusal(callee)
    const object = new PickleObject(callee, args)
    this.#pending.add(object)
    return object
  }

  build(object: PickleValue, state: PickleValue): void {
    // Attributes of an ordered dictionary: the versions of modules.
    if (object instanceof Map && state instanceof Map) return
    if (!(object instanceof PickleObject))
      throw new SerializationError('it gives a state to what can have none')
    if (this.#pending.has(object) && !isModuleState(state)) throw refusal(object.type)
    this.#pending.delete(object)
    object.state = state
  }

  /** Throws where an object of an unknown class is no module. */
  finish(): void {
    for (const { type } of this.#pending) throw refusal(type)
  }

  persistent(id: PickleValue): PickleValue {
    if (Array.isArray(id) && id[0] === 'storage') return this.#storage(id)
    // Files of old hold a class with its source text; the text is of no use here.
    if (Array.isArray(id) && id[0] === 'module' && id[1] instanceof PickleGlobal) return id[1]
    throw new SerializationError('it refers to something outside that is no storage')
  }

  #storage([, type, key, , count, view = null]: readonly PickleValue[]): StorageReference {
    if (!(type instanceof PickleGlobal) || typeof key !== 'string' || !isSize(count))
      throw new SerializationError('a storage in it has no type, key or size')
    const dtype =
      /^torch(\.cuda|\.storage)?$/.test(type.module) && Object.hasOwn(storageTypes, type.name)
        ? storageTypes[type.name]
        : undefined
    if (dtype === undefined) throw new SerializationError(`values of ${type.path} cannot be read`)
    const storage =
      view === null ? new StorageReference(key, dtype, count, 0) : viewOf(key, dtype, count, view)
    this.storages.push(storage)
    return storage
  }

  readonly #dictionary = ([content = null]: readonly PickleValue[]): PickleValue => {
    if (content === null) return new Map()
    const entries = content instanceof Map ? [...content] : content
    if (!Array.isArray(entries)) throw new SerializationError('a dictionary is made from what is no list')
    this.#copied += entries.length
    if (this.#copied > MAX_COPIED) throw new SerializationError('it copies dictionaries again and again')
    return new Map(
      entries.map((entry) => {
        if (!Array.isArray(entry) || entry.length !== 2)
          throw new SerializationError('a dictionary is made from a list that holds no pairs')
        return [entry[0], entry[1]]
      }),
    )
  }

  readonly #known: Readonly<Record<string, ((args: readonly PickleValue[]) => PickleValue) | undefined>> = {
    'collections.OrderedDict': this.#dictionary,
    'collections.Counter': this.#dictionary,
    'collections.defaultdict': () => new Map(),
    'builtins.dict': this.#dictionary,
    'builtins.list': list,
    'builtins.tuple': list,
    'builtins.set': list,
    'builtins.frozenset': list,
    'builtins.int': ([value = 0]) => value,
    'builtins.float': ([value = 0]) => value,
    'builtins.bool': ([value = false]) => value,
    'builtins.str': ([value = '']) => value,
    'builtins.bytes': ([value = '']) => value,
    'builtins.bytearray': ([value = '']) => value,
    '_codecs.encode': ([value = '']) => value,
    'torch.Size': list,
    'torch._utils._rebuild_tensor': tensor,
    'torch._utils._rebuild_tensor_v2': tensor,
    'torch._utils._rebuild_parameter': parameter,
    'torch._utils._rebuild_parameter_with_state': parameter,
    'torch._tensor._rebuild_from_type_v2': ([callee = null, , args = null]) => {
      if (!(callee instanceof PickleGlobal) || !Array.isArray(args))
        throw new SerializationError('a tensor in it is made from nothing')
      if (callee.path === 'torch._tensor._rebuild_from_type_v2') throw refusal(callee)
      return this.call(callee, args, 'call')
    },
  }
}

/** Those of the known names that are classes, and so may also be made by `NEWOBJ`. */
const containers = new Set([
  'collections.OrderedDict',
  'collections.Counter',
  'collections.defaultdict',
  'builtins.dict',
  'builtins.list',
  'builtins.tuple',
  'builtins.set',
  'builtins.frozenset',
  'torch.Size',
])

/** The names that Python 3 has for what Python 2 wrote. */
function present(callee: PickleGlobal): PickleGlobal {
  if (callee.module === '__builtin__') return new PickleGlobal('builtins', callee.name)
  if (callee.module === 'copy_reg') return new PickleGlobal('copyreg', callee.name)
  return callee
}

function viewOf(key: string, dtype: DType, total: number, view: PickleValue): StorageReference {
  if (!Array.isArray(view) || !isSize(view[1]) || !isSize(view[2]) || view[1] + view[2] > total)
    throw new SerializationError('a part of a storage in it lies outside of the storage')
  return new StorageReference(key, dtype, view[2], view[1])
}

function list([content = null]: readonly PickleValue[]): PickleValue {
  if (content === null) return []
  if (!Array.isArray(content)) throw new SerializationError('a list is made from what is none')
  return content
}

function tensor([storage, offset, shape, strides]: readonly PickleValue[]): StoredTensor {
  if (!(storage instanceof StorageReference)) throw new SerializationError('a tensor in it has no storage')
  if (!isSize(offset) || !isSizes(shape) || !isSizes(strides) || shape.length !== strides.length)
    throw new SerializationError('a tensor in it has no shape, strides or place of whole numbers')
  const made = new StoredTensor(storage, offset, [...shape], [...strides])
  if (!Number.isSafeInteger(made.numel) || !(made.offset + made.span <= storage.count)) {
    throw new SerializationError(
      `a tensor of shape [${shape.join(', ')}] with strides [${strides.join(', ')}] at ${offset} reaches beyond its ` +
        `storage of ${storage.count} values`,
    )
  }
  return made
}

function parameter([data]: readonly PickleValue[]): StoredTensor {
  if (!(data instanceof StoredTensor)) throw new SerializationError('a parameter in it is no tensor')
  return data
}

function isModuleState(state: PickleValue): boolean {
  return (
    state instanceof Map &&
    ['_parameters', '_buffers', '_modules'].every((part) => state.get(part) instanceof Map)
  )
}

function isSize(value: PickleValue | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

function isSizes(value: PickleValue | undefined): value is number[] {
  return Array.isArray(value) && value.length <= MAX_DIMENSIONS && value.every(isSize)
}
