import type { Tensor } from '../tensor.js'
import { Module, type AnyModule } from './module.js'

/** Modules one after the other, under names of their own or under their positions. */
export class Sequential extends Module {
  readonly #modules: Map<string, Module>

  constructor(modules: readonly Module[] | Readonly<Record<string, Module>>) {
    super()
    this.#modules = new Map(
      Array.isArray(modules)
        ? modules.map((module: Module, i) => [String(i), module])
        : Object.entries(modules as Record<string, Module>),
    )
  }

  override *namedChildren(): Generator<[string, AnyModule]> {
    for (const [name, module] of this.#modules) yield [name, module]
  }

  get(name: string | number): Module {
    const module = this.#modules.get(String(name))
    if (!module)
      throw new RangeError(`Sequential has no '${name}'; it has ${[...this.#modules.keys()].join(', ')}`)
    return module
  }

  forward(x: Tensor): Tensor {
    for (const module of this.#modules.values()) x = module.forward(x)
    return x
  }
}

/** Modules in a list, called by their owner. */
export class ModuleList<M extends Module<never[], unknown>>
  extends Module<never[], never>
  implements Iterable<M>
{
  readonly #modules: readonly M[]

  constructor(modules: readonly M[]) {
    super()
    this.#modules = modules
  }

  override *namedChildren(): Generator<[string, AnyModule]> {
    for (const [i, module] of this.#modules.entries()) yield [String(i), module]
  }

  get length(): number {
    return this.#modules.length
  }

  [Symbol.iterator](): Iterator<M> {
    return this.#modules[Symbol.iterator]()
  }

  forward(): never {
    throw new TypeError('ModuleList is a list, it has no forward of its own')
  }
}
