/** How JavaScript values become arguments, and what wrong ones are answered with. */
import { beforeAll, describe, expect, test } from 'vitest'
import {
  arange,
  aten,
  cat,
  empty,
  EngineError,
  eye,
  fromTypedArray,
  full,
  Generator,
  linspace,
  ones,
  onesLike,
  operator,
  OutOfMemoryError,
  randint,
  randperm,
  setNumThreads,
  stack,
  tensor,
  zeros,
  zerosLike,
  type DType,
} from '../src/index.js'

beforeAll(() => setNumThreads(1))

/** The message of what `body` throws, after a check of its class. */
function messageOf(body: () => unknown, type: new (...args: never[]) => Error): string {
  try {
    body()
  } catch (error) {
    expect(error).toBeInstanceOf(type)
    return error instanceof Error ? error.message : ''
  }
  throw new Error('nothing was thrown')
}

describe('dtypes', () => {
  test('factories make float32 where nothing is said, indices int64', () => {
    expect([full([2], 1), zeros([1]), ones([1]), empty([1]), eye(2), linspace(0, 1, 3)].map(dtypeOf)).toEqual(
      new Array(6).fill('float32'),
    )
    expect(full([2], 1).toFlatArray()).toEqual([1, 1])
    expect([arange(0, 3), randint(0, 5, [2]), randperm(3)].map(dtypeOf)).toEqual(new Array(3).fill('int64'))
    expect(arange(0, 2, 0.5, { dtype: 'float64' }).toFlatArray()).toEqual([0, 0.5, 1, 1.5])
    expect(dtypeOf(zerosLike(arange(0, 3)))).toBe('int64')
    expect(onesLike(tensor([[1, 2]], { dtype: 'float64' })).toArray()).toEqual([[1, 1]])
  })

  test('an integral number is an integer scalar, minus zero and fractions are not', () => {
    const integers = arange(0, 3)
    expect(dtypeOf(aten.full.default([2], 1))).toBe('int64')
    expect(dtypeOf(aten.full.default([2], 1.5))).toBe('float32')
    expect(dtypeOf(aten.full.default([2], -0))).toBe('float32')
    expect(dtypeOf(aten.full.default([2], true))).toBe('bool')
    expect(dtypeOf(integers.mul(2))).toBe('int64')
    expect(dtypeOf(integers.mul(0.5))).toBe('float32')
    expect(Object.is(full([], -0).item(), -0)).toBe(true)
    expect(full([3], NaN).isNan().all().item()).toBe(1)
    expect(full([], Infinity).item()).toBe(Infinity)
    expect(full([], 2 ** 60, { dtype: 'int64' }).toTypedArray()).toEqual(BigInt64Array.of(2n ** 60n))
    expect(full([], 1e300, { dtype: 'float64' }).item()).toBe(1e300)
  })

  test.each<[DType, number[]]>([
    ['float32', [1.5, -2]],
    ['float64', [0.1, -2]],
    ['float16', [1.5, -2]],
    ['bfloat16', [1.5, -2]],
    ['int64', [2 ** 40, -2]],
    ['int32', [2 ** 30, -2]],
    ['int16', [300, -2]],
    ['int8', [-128, 127]],
    ['uint8', [0, 255]],
    ['bool', [1, 0]],
  ])('%s goes in and comes out', (dtype, values) => {
    const made = tensor(values, { dtype })
    expect(made.dtype).toBe(dtype)
    expect(made.toFlatArray()).toEqual(values)
    const again = fromTypedArray(made.toBytes(), [2], { dtype })
    expect(again.toFlatArray()).toEqual(values)
    expect(again.zero_().copyFrom(made.toBytes()).toFlatArray()).toEqual(values)
  })

  test('typed arrays bring their dtype, the others need one', () => {
    const arrays = [
      new Float32Array(2),
      new Float64Array(2),
      new BigInt64Array(2),
      new Int32Array(2),
      new Int16Array(2),
      new Int8Array(2),
      new Uint8Array(2),
    ]
    expect(arrays.map((array) => dtypeOf(fromTypedArray(array)))).toEqual([
      'float32',
      'float64',
      'int64',
      'int32',
      'int16',
      'int8',
      'uint8',
    ])
    expect(() => fromTypedArray(new Uint32Array(2))).toThrow('give a dtype for Uint32Array')
    // A view into a larger buffer: only its own bytes count.
    const part = new Float32Array([1, 2, 3, 4]).subarray(1, 3)
    expect(fromTypedArray(part).toFlatArray()).toEqual([2, 3])
  })

  test('complex tensors compute, and say what cannot be read', () => {
    const complex = aten.complex.default(tensor([1, 2]), tensor([3, -4]))
    expect(complex.dtype).toBe('complex64')
    expect(aten.view_as_real.default(complex.mul(complex)).toArray()).toEqual([
      [-8, 6],
      [-12, -16],
    ])
    expect(() => complex.toTypedArray()).toThrow('no typed array holds complex64')
  })
})

describe('shapes', () => {
  test('nested arrays', () => {
    expect(tensor(3).shape).toEqual([])
    expect(tensor(3).toArray()).toBe(3)
    expect(tensor([]).shape).toEqual([0])
    expect(tensor([[], []]).shape).toEqual([2, 0])
    expect(tensor([[], []]).toArray()).toEqual([[], []])
    const nested = [[[1, 2]], [[3, 4]], [[5, 6]]]
    expect(tensor(nested).shape).toEqual([3, 1, 2])
    expect(tensor(nested).toArray()).toEqual(nested)
    expect(() => tensor([[1], [2, 3]])).toThrow('an array of length 2 beside one of length 1')
    expect(() => tensor([[1], 2])).toThrow('equal depth')
    expect(() => tensor([1, [2]])).toThrow('equal depth')
  })

  test('sizes and strides', () => {
    const x = zeros([2, 3, 4])
    expect([x.dim, x.numel, x.size(0), x.size(-1)]).toEqual([3, 24, 2, 4])
    expect(() => x.size(3)).toThrow(new RangeError('size(3): the tensor has 3 dimensions'))
    const turned = x.transpose(0, 2)
    expect(turned.strides).toEqual([1, 4, 12])
    expect([x.isContiguous(), turned.isContiguous()]).toEqual([true, false])
    expect(turned.contiguous().strides).toEqual([6, 2, 1])
    expect(String(x)).toBe('Tensor [2, 3, 4] float32 on cpu')
  })

  test('values are read in row-major order whatever the strides', () => {
    const x = arange(0, 6).view(2, 3).transpose(0, 1)
    expect(x.toFlatArray()).toEqual([0, 3, 1, 4, 2, 5])
    x.copyFrom(BigInt64Array.from([1n, 2n, 3n, 4n, 5n, 6n]))
    expect(x.toArray()).toEqual([
      [1, 2],
      [3, 4],
      [5, 6],
    ])
    expect(x.transpose(0, 1).toFlatArray()).toEqual([1, 3, 5, 2, 4, 6])
  })
})

describe('arguments', () => {
  test('lists, generators, strings, booleans, devices, memory formats, layouts', () => {
    const x = arange(0, 6, 1, { dtype: 'float32' }).view(1, 1, 2, 3)
    expect(aten.unbind.int(x, 3).map((part) => part.toFlatArray())).toEqual([
      [0, 3],
      [1, 4],
      [2, 5],
    ])
    expect(aten.pixel_unshuffle.default(zeros([1, 1, 4, 4]), 2).shape).toEqual([1, 4, 2, 2])
    expect(aten.to.device(x, 'cpu', 'int32').dtype).toBe('int32')
    expect(aten.zeros.default([1], { device: 'cpu', layout: 'strided', pin_memory: false }).device).toBe(
      'cpu',
    )
    expect(aten.empty.memory_format([1, 2, 3, 4], { memory_format: 'channels_last' }).strides).toEqual([
      24, 1, 8, 2,
    ])
    const drawn = aten.randperm.generator(5, { generator: new Generator(3) })
    expect(drawn.toFlatArray()).toEqual(
      aten.randperm.generator(5, { generator: new Generator(3) }).toFlatArray(),
    )
    expect(cat([zeros([1, 2]), ones([1, 2])], 1).toArray()).toEqual([[0, 0, 1, 1]])
    expect(stack([zeros([2]), ones([2])], 1).toArray()).toEqual([
      [0, 1],
      [0, 1],
    ])
  })

  test('undefined takes the default, null is no value', () => {
    const x = tensor([-1, 0.5])
    expect(aten.clamp.default(x, undefined, 0).toFlatArray()).toEqual([-1, 0])
    expect(aten.clamp.default(x, 0, null).toFlatArray()).toEqual([0, 0.5])
    expect(aten.sum.default(x, undefined).item()).toBe(-0.5)
    expect(aten.add.Tensor(x, x, { alpha: undefined }).toFlatArray()).toEqual([-2, 1])
  })

  test('out variants and in-place operators give the object that they were given', () => {
    const out = zeros([2])
    expect(aten.add.out(ones([2]), ones([2]), { alpha: 3, out })).toBe(out)
    expect(out.toFlatArray()).toEqual([4, 4])
    const [values, indices] = [zeros([1]), zeros([1], { dtype: 'int64' })]
    const result = aten.max.dim_max(tensor([[1, 5, 2]]), 1, false, { max: values, max_values: indices })
    expect(result[0]).toBe(values)
    expect(result[1]).toBe(indices)
    expect([values.item(), indices.item()]).toEqual([5, 1])
  })
})

describe('a wrong argument is answered with the operator, the argument and what was found', () => {
  const x = zeros([2, 3])
  const loosely = (name: string, overload = 'default') => operator(name, overload)

  test.each<[string, () => unknown, string]>([
    [
      'a number for a tensor',
      () => loosely('add', 'Tensor')(x, 3),
      "aten::add.Tensor: argument 'other' (Tensor): expected a Tensor, got the number 3",
    ],
    ['null for a tensor', () => loosely('relu')(null), "aten::relu: argument 'self' (Tensor): is missing"],
    ['nothing', () => loosely('relu')(), "aten::relu: argument 'self' (Tensor): is missing"],
    [
      'an array for a tensor',
      () => loosely('relu')([1, 2]),
      "aten::relu: argument 'self' (Tensor): expected a Tensor, got an array",
    ],
    [
      'a tensor for a list of tensors',
      () => loosely('cat')(x),
      "aten::cat: argument 'tensors' (Tensor[]): expected an array of Tensors, got an object",
    ],
    [
      'a number among tensors',
      () => loosely('cat')([x, 7]),
      "aten::cat: argument 'tensors' (Tensor[]): expected a Tensor, got the number 7",
    ],
    [
      'a fraction for an integer',
      () => loosely('softmax', 'int')(x, 0.5),
      "aten::softmax.int: argument 'dim' (int): expected an integer, got the number 0.5",
    ],
    ['a string for an integer', () => loosely('select', 'int')(x, 0, 'first'), "got the string 'first'"],
    [
      'a fraction in a shape',
      () => loosely('reshape')(x, [3, 2.5]),
      'expected an integer, got the number 2.5',
    ],
    [
      'a number for a list of any length',
      () => loosely('reshape')(x, 6),
      'expected an array, got the number 6',
    ],
    [
      'a number for a boolean',
      () => loosely('sum', 'dim_IntList')(x, [0], 1),
      "aten::sum.dim_IntList: argument 'keepdim' (bool): expected true or false, got the number 1",
    ],
    ['an unknown dtype', () => loosely('zeros')([1], { dtype: 'float' }), "aten::zeros: argument 'dtype'"],
    [
      'an unknown dtype, with the known ones',
      () => loosely('zeros')([1], { dtype: 'float' }),
      'float32, float64',
    ],
    [
      'an unknown device',
      () => loosely('zeros')([1], { device: 'abacus' }),
      "aten::zeros: argument 'device'",
    ],
    [
      'an unknown memory format',
      () => loosely('clone')(x, { memory_format: 'channels_first' }),
      "contiguous_format, channels_last, channels_last_3d, preserve_format), got 'channels_first'",
    ],
    [
      'an unknown layout',
      () => loosely('zeros')([1], { layout: 'dense' }),
      "expected a layout (strided, sparse_coo), got 'dense'",
    ],
    [
      'no generator',
      () => loosely('randperm', 'generator')(3, { generator: new Generator(1).handle }),
      "aten::randperm.generator: argument 'generator' (Generator?): expected a Generator, got the number",
    ],
    [
      'an unknown keyword, with the known ones',
      () => loosely('add', 'Tensor')(x, x, { beta: 2 }),
      "aten::add.Tensor: no keyword argument 'beta'; there are alpha",
    ],
    [
      'a keyword by position',
      () => loosely('add', 'Tensor')(x, x, 2),
      'aten::add.Tensor: expected an object of keyword arguments, got a number',
    ],
    ['too many arguments', () => loosely('relu')(x, 1), 'aten::relu: takes 1 arguments, got 2'],
    [
      'too many arguments beside keywords',
      () => loosely('add', 'Tensor')(x, x, {}, 1),
      'aten::add.Tensor: takes 2 arguments and an object of keyword arguments, got 4',
    ],
  ])('%s', (_name, body, message) => {
    expect(messageOf(body, TypeError)).toContain(message)
  })

  test('an operator or overload that the engine does not have', () => {
    expect(messageOf(() => operator('no_such_thing', 'default'), EngineError)).toMatch(
      /^libtorch \S+ has no operator aten::no_such_thing$/,
    )
    expect(messageOf(() => operator('add', 'Tensors'), EngineError)).toMatch(/aten::add\.Tensors$/)
    const anything = aten as unknown as Record<string, Record<string, () => unknown>>
    expect(messageOf(() => anything['nonsense']['default'](), EngineError)).toContain('aten::nonsense')
  })

  test('the engine itself refuses: its reason, and the shapes it was about', () => {
    const message = messageOf(() => x.matmul(zeros([2, 3])), EngineError)
    expect(message).toContain('aten::matmul')
    expect(message).toContain('mat1 and mat2 shapes cannot be multiplied')
    expect(message).toContain('self [2, 3] float32, other [2, 3] float32')
    expect(messageOf(() => x.view(5), EngineError)).toContain("shape '[5]' is invalid for input of size 6")
    expect(messageOf(() => x.item(), EngineError)).toMatch(/^item: .*Tensor \[2, 3\] float32 on cpu/s)
    expect(messageOf(() => arange(0, 3).requiresGrad_(), EngineError)).toContain('floating point')
  })

  test('a tensor that was freed', () => {
    const gone = zeros([2])
    gone.dispose()
    for (const use of [
      () => gone.add(1),
      () => gone.shape,
      () => x.add(gone),
      () => cat([gone]),
      () => gone.item(),
    ]) {
      expect(messageOf(use, TypeError)).toContain('the tensor was already freed')
    }
    expect(messageOf(() => gone.add(1), TypeError)).toContain("aten::add.Scalar: argument 'self' (Tensor)")
  })

  test('bytes that do not fit the shape, and shapes that fit no memory', () => {
    const four = new Float32Array(4)
    expect(messageOf(() => fromTypedArray(four, [5]), TypeError)).toContain('the shape needs 20 bytes')
    expect(messageOf(() => fromTypedArray(four, [-4]), TypeError)).toContain('a shape cannot hold -4')
    expect(messageOf(() => fromTypedArray(four, [1e6, 1e6, 1e6]), TypeError)).toContain('fromTypedArray')
    expect(messageOf(() => fromTypedArray(four, [2 ** 40, 2 ** 40]), TypeError)).toContain(
      'larger than any memory',
    )
    expect(messageOf(() => x.copyFrom(four), TypeError)).toContain('the tensor needs 24 bytes')
    expect(messageOf(() => zeros([2 ** 45]), OutOfMemoryError)).toContain('Use a smaller batch or image size')
  })
})

function dtypeOf(value: { dtype: DType }): DType {
  return value.dtype
}
