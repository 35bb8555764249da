/** What Inception-V3 and Inception-ResNet-V2 are made of. */
import { cat, nn, type Tensor } from '@plurad/torch'

type Kernel = number | readonly [number, number]

interface Conv {
  kernel?: Kernel
  stride?: number
  padding?: Kernel
}

/** Convolution, batch norm, ReLU. */
export class BasicConv2d extends nn.Module {
  readonly conv: nn.Conv2d
  readonly bn: nn.BatchNorm2d

  constructor(from: number, to: number, { kernel = 1, stride = 1, padding = 0 }: Conv = {}) {
    super()
    this.conv = new nn.Conv2d(from, to, kernel, { stride, padding, bias: false })
    nn.init.truncatedNormal_(this.conv.weight, 0.1)
    this.bn = new nn.BatchNorm2d(to, { eps: 0.001 })
  }

  forward(x: Tensor): Tensor {
    return this.bn.forward(this.conv.forward(x)).relu_()
  }
}

/** A convolution that keeps the size: `kernel` [height, width]. */
export const same = (from: number, to: number, kernel: Kernel): BasicConv2d => {
  const [height, width] = typeof kernel === 'number' ? [kernel, kernel] : kernel
  return new BasicConv2d(from, to, { kernel, padding: [(height - 1) / 2, (width - 1) / 2] })
}

/** A 3x3 convolution that halves the size and drops the edge. */
export const halving = (from: number, to: number): BasicConv2d =>
  new BasicConv2d(from, to, { kernel: 3, stride: 2 })

export const averagePool3 = (): nn.Module => new nn.AvgPool2d(3, { stride: 1, padding: 1 })
export const maxPool3 = (): nn.Module => new nn.MaxPool2d(3, { stride: 2 })

/** One step of a branch: a name for a module with parameters, `null` for pooling; a list forks and joins again. */
export type Step = readonly [name: string | null, module: nn.Module] | readonly Step[]

/** Branches side by side, joined along the channels. Their modules stand in one object, by name. */
export class Branches extends nn.Module {
  readonly #branches: readonly (readonly Step[])[]

  constructor(branches: readonly (readonly Step[])[]) {
    super()
    this.#branches = branches
  }

  override *namedChildren(): Generator<[string, nn.AnyModule]> {
    for (const branch of this.#branches) yield* named(branch)
  }

  forward(x: Tensor): Tensor {
    return cat(
      this.#branches.map((branch) => run(branch, x)),
      1,
    )
  }
}

function isFork(step: Step): step is readonly Step[] {
  return typeof step[0] === 'object' && step[0] !== null
}

function* named(branch: readonly Step[]): Generator<[string, nn.AnyModule]> {
  for (const step of branch) {
    if (isFork(step)) yield* named(step)
    else if (step[0] !== null) yield [step[0], step[1]]
  }
}

function run(branch: readonly Step[], x: Tensor): Tensor {
  for (const step of branch) {
    const input = x
    x = isFork(step)
      ? cat(
          step.map((tine) => run([tine], input)),
          1,
        )
      : step[1].forward(x)
  }
  return x
}
