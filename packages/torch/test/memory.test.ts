import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  aten,
  backward,
  keep,
  liveTensors,
  nn,
  ones,
  optim,
  Parameter,
  randn,
  Scope,
  scope,
  setNumThreads,
  tensor,
  zeros,
  type Tensor,
} from '../src/index.js'
import { collectGarbage, settle } from './garbage.js'

let before: number
beforeAll(() => setNumThreads(1))
beforeEach(async () => {
  before = await settle()
})

describe('scope', () => {
  test('frees what was made in it and keeps its result', () => {
    const result = scope(() => zeros([2]).add(1).mul(3))
    expect(liveTensors()).toBe(before + 1)
    expect(result.toFlatArray()).toEqual([3, 3])
    result.dispose()
    expect(liveTensors()).toBe(before)
  })

  test('keeps tensors in arrays, maps, sets and plain objects, however deep', () => {
    const result = scope(() => {
      const make = (): Tensor => ones([1]).add(1)
      return {
        array: [make(), [make()]],
        map: new Map([['key', make()]]),
        set: new Set([make()]),
        nested: { object: { tensor: make() }, text: 'text', nothing: null, count: 3 },
      }
    })
    expect(liveTensors()).toBe(before + 5)
    const all = [...result.array.flat(), ...result.map.values(), ...result.set, result.nested.object.tensor]
    expect(all.map((one) => one.item())).toEqual([2, 2, 2, 2, 2])
    all.forEach((one) => one.dispose())
    expect(liveTensors()).toBe(before)
  })

  test('follows containers that hold each other only once', () => {
    const result = scope(() => {
      const circle: { own: unknown[]; x: Tensor } = { own: [], x: zeros([1]).add(1) }
      circle.own.push(circle, circle.own)
      return circle
    })
    expect(liveTensors()).toBe(before + 1)
    result.x.dispose()
  })

  test('nests: the result of an inner scope belongs to the outer one', () => {
    const result = scope(() => {
      const inner = scope(() => {
        const kept = scope(() => zeros([1]).add(1))
        expect(liveTensors()).toBe(before + 1)
        return [kept, kept.add(1)]
      })
      expect(liveTensors()).toBe(before + 2)
      expect(inner.map((one) => one.item())).toEqual([1, 2])
      return inner[1]
    })
    expect(liveTensors()).toBe(before + 1)
    result.dispose()
  })

  test('frees everything when its body throws', () => {
    expect(() =>
      scope(() => {
        const x = zeros([3])
        scope(() => x.add(1))
        x.view(7)
      }),
    ).toThrow('invalid for input of size 3')
    expect(liveTensors()).toBe(before)
  })

  test('leaves a result alone that was there before', () => {
    const x = zeros([1])
    expect(scope(() => scope(() => x))).toBe(x)
    scope(() => [x, x])
    expect(liveTensors()).toBe(before + 1)
    const inOuter = scope(() => {
      const y = x.add(1)
      scope(() => y)
      return y.item()
    })
    expect(inOuter).toBe(1)
    expect(liveTensors()).toBe(before + 1)
    x.dispose()
    expect(liveTensors()).toBe(before)
  })

  test('keep lets a tensor outlive every open scope', async () => {
    const kept = scope(() => scope(() => [keep(zeros([1]).add(5)).handle, keep(keep(ones([1])))] as const))
    expect(liveTensors()).toBe(before + 2)
    kept[1].dispose()
    // Nobody holds the other one: it goes with the garbage.
    expect(await settle()).toBe(before)
  })

  test('parameters and buffers outlive the scope in which they were made', () => {
    const norm = scope(() => new nn.BatchNorm2d(3))
    expect(norm.running_var.toFlatArray()).toEqual([1, 1, 1])
    expect(norm.parameters().map((parameter) => parameter.numel)).toEqual([3, 3])
    expect(liveTensors()).toBe(before + 5)
    norm.stateDict().forEach((value) => value.dispose())
  })

  test('refuses an asynchronous body', async () => {
    expect(() => scope(async () => zeros([1]))).toThrow(TypeError)
    const late = async (): Promise<number> => {
      const x = zeros([1])
      await Promise.resolve()
      return x.item()
    }
    expect(() => scope(late)).toThrow('it ends when its body returns')
    await Promise.resolve()
    // The result of the first had left its scope by then; it goes with the garbage.
    expect(await settle()).toBe(before)
  })

  test('closes what an exception left open in it', () => {
    expect(() =>
      scope(() => {
        new Scope()
        zeros([1])
        throw new Error('boom')
      }),
    ).toThrow('boom')
    expect(liveTensors()).toBe(before)
    scope(() => void zeros([1]))
    expect(liveTensors()).toBe(before)
  })
})

describe('Scope', () => {
  test('frees at the end of the block, but for what was kept', () => {
    let kept: Tensor
    {
      using block = new Scope()
      zeros([4]).add(1)
      kept = block.keep(ones([2]))
      expect(liveTensors()).toBe(before + 3)
    }
    expect(liveTensors()).toBe(before + 1)
    expect(kept.toFlatArray()).toEqual([1, 1])
    kept.dispose()
  })

  test('ends once, and in order', () => {
    const outer = new Scope()
    const inner = new Scope()
    expect(() => outer[Symbol.dispose]()).toThrow('reverse order')
    inner[Symbol.dispose]()
    inner[Symbol.dispose]()
    outer[Symbol.dispose]()
    expect(liveTensors()).toBe(before)
  })

  test('mixes with scope()', () => {
    const result = scope(() => {
      using block = new Scope()
      return block.keep(scope(() => zeros([1]).add(1)))
    })
    expect(liveTensors()).toBe(before + 1)
    result.dispose()
  })
})

describe('dispose', () => {
  test('twice is once, and use afterwards is an error', () => {
    const x = zeros([2])
    x.dispose()
    x.dispose()
    expect(liveTensors()).toBe(before)
    expect(() => x.add(1)).toThrow('already freed')
    {
      using y = zeros([2])
      expect(y.shape).toEqual([2])
    }
    expect(liveTensors()).toBe(before)
  })

  test('inside a scope, and of what a scope kept', () => {
    scope(() => {
      const x = zeros([2])
      const y = x.add(1)
      x.dispose()
      expect(y.toFlatArray()).toEqual([1, 1])
      expect(() => x.shape).toThrow('already freed')
    })
    using block = new Scope()
    const kept = block.keep(zeros([1]))
    kept.dispose()
    block[Symbol.dispose]()
    expect(liveTensors()).toBe(before)
  })

  test('of a view leaves the values to the other', () => {
    const x = tensor([1, 2, 3])
    const view = x.slice(0, 1)
    x.dispose()
    expect(view.toFlatArray()).toEqual([2, 3])
    view.dispose()
  })
})

describe('a stale handle', () => {
  test('never reaches another tensor', () => {
    const disposed = zeros([1])
    disposed.dispose()
    let escaped: Tensor | undefined
    scope(() => {
      escaped = zeros([1])
    })
    const stale = [disposed, escaped]
    // A slot has a thousand generations: were it used again at once, some of these would carry the stale handle.
    for (let i = 0; i < 5000; i++) {
      const one = ones([1])
      for (const other of stale) {
        if (other?.handle === one.handle) expect.unreachable()
        other?.dispose()
      }
      if (i % 500 === 0) expect(() => escaped?.item()).toThrow('already freed')
      expect(one.item()).toBe(1)
      one.dispose()
    }
    expect(liveTensors()).toBe(before)
  })

  test('is refused when it was made up', () => {
    const forged = zeros([1])
    const real = forged.handle
    for (const handle of [-1, 2 ** 30, real + 1000, real ^ (1 << 20)]) {
      forged.handle = handle
      expect(() => forged.shape).toThrow('already freed')
    }
    forged.handle = real
    forged.dispose()
  })
})

test('the garbage collector frees what nobody else does', async () => {
  for (let i = 0; i < 200; i++) zeros([100]).add(i)
  expect(liveTensors()).toBeGreaterThan(before)
  expect(await settle()).toBe(before)
})

test('gradients read by hand are handles, not copies, and go with the garbage', async () => {
  const x = zeros([2]).requiresGrad_()
  x.sum().backward()
  for (let i = 0; i < 50; i++) expect(x.grad?.shape).toEqual([2])
  x.dispose()
  expect(await settle()).toBe(before)
})

test('values are read without leaving anything behind', () => {
  const half = zeros([3], { dtype: 'float64' })
  const made = liveTensors()
  half.toFlatArray()
  half.toBytes()
  half.copyFrom(new Float64Array(3))
  expect(liveTensors()).toBe(made)
  half.dispose()
  for (const dtype of ['float16', 'bfloat16'] as const) {
    using x = zeros([3], { dtype })
    const live = liveTensors()
    expect(x.toFlatArray()).toEqual([0, 0, 0])
    expect(liveTensors()).toBe(live)
  }
})

describe('a parameter that changes', () => {
  test('keeps its identity, and frees what it held', () => {
    const parameter = scope(() => new Parameter(randn([2, 3, 4, 4])))
    const live = liveTensors()
    expect(parameter.convert_({ dtype: 'float64' })).toBe(parameter)
    expect([parameter.dtype, parameter.requiresGrad, parameter.isLeaf]).toEqual(['float64', true, true])
    parameter.convert_({ memoryFormat: 'channels_last' })
    expect(parameter.isContiguous('channels_last')).toBe(true)
    expect([parameter.requiresGrad, parameter.isLeaf]).toEqual([true, true])
    expect(liveTensors()).toBe(live)
    parameter.dispose()
  })

  test('into what it is already keeps its gradient', () => {
    const parameter = new Parameter(ones([2]))
    scope(() => backward(parameter.mul(3).sum()))
    parameter.convert_({ dtype: 'float32', device: 'cpu' })
    expect(scope(() => parameter.grad?.toFlatArray())).toEqual([3, 3])
    parameter.dispose()
  })

  test('stays frozen where it was', () => {
    const parameter = new Parameter(ones([2]), false)
    parameter.convert_({ dtype: 'float64' })
    expect(parameter.requiresGrad).toBe(false)
    parameter.dispose()
  })

  test('Module.to leaks nothing, inside a scope and outside', async () => {
    const model = makeNet()
    const live = await settle()
    const handles = model.parameters()
    for (const dtype of ['float64', 'float32', 'bfloat16', 'float32'] as const) {
      model.to({ dtype })
      expect(model.parameters()).toEqual(handles)
      expect(new Set([...model.parameters()].map((parameter) => parameter.dtype))).toEqual(new Set([dtype]))
      scope(() => model.to({ memoryFormat: 'channels_last' }))
      expect(liveTensors()).toBe(live)
    }
    expect(model.get('norm').stateDict().get('num_batches_tracked')?.dtype).toBe('int64')
    model.stateDict().forEach((value) => value.dispose())
  })
})

function makeNet(): nn.Sequential {
  return new nn.Sequential({
    conv: new nn.Conv2d(1, 4, 3, { padding: 1, bias: false }),
    norm: new nn.BatchNorm2d(4),
    relu: new nn.ReLU(true),
    pool: new nn.MaxPool2d(2),
    conv2: new nn.Conv2d(4, 8, 3),
    gelu: new nn.GELU(),
    drop: new nn.Dropout(0.1),
    mean: new nn.AdaptiveAvgPool2d(1),
    flat: new nn.Flatten(),
    head: new nn.Linear(8, 2),
  })
}

test('a thousand training steps hold as many tensors as one, in flat memory', async () => {
  const model = makeNet()
  const optimiser = new optim.AdamW(model.parameters(), { lr: 1e-3 })
  const x = randn([8, 1, 24, 24])
  const targets = tensor(Array.from({ length: 8 }, (_, i) => [i % 2, 1 - (i % 2)]))
  const losses: number[] = []
  const step = (): void => {
    const loss = scope(() =>
      aten.binary_cross_entropy_with_logits.default(model.forward(x), targets, null, null, 1),
    )
    loss.backward()
    losses.push(loss.item())
    loss.dispose()
    optim.clipGradNorm_(model.parameters(), 1)
    optimiser.step()
    optimiser.zeroGrad()
  }
  step()
  const live = await settle()
  for (let i = 0; i < 199; i++) step()
  collectGarbage()
  const rss = process.memoryUsage.rss()
  for (let i = 0; i < 800; i++) {
    step()
    if (liveTensors() !== live) expect(liveTensors()).toBe(live)
  }
  collectGarbage()
  const growth = (process.memoryUsage.rss() - rss) / 2 ** 20
  expect(growth).toBeLessThan(30)
  expect(losses[999]).toBeLessThan(losses[0])
})
