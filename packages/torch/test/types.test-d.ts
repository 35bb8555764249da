/**
 * What must not compile: each line below `@ts-expect-error` is wrong, and the type check of the tests fails where the
 * compiler has stopped to say so. Nothing here is run.
 */
/* eslint-disable @typescript-eslint/no-unsafe-call, @typescript-eslint/no-unsafe-member-access,
   @typescript-eslint/no-unused-expressions -- it is the compiler that has to object */
import {
  aten,
  backward,
  full,
  nn,
  optim,
  Parameter,
  scope,
  tensor,
  zeros,
  type Tensor,
} from '../src/index.js'

export function wrongOperatorArguments(x: Tensor): void {
  // @ts-expect-error a number is no tensor
  aten.add.Tensor(x, 2)
  // @ts-expect-error the second operand is missing
  aten.add.Tensor(x)
  // @ts-expect-error keyword-only arguments stand in an object
  aten.add.Tensor(x, x, 2)
  // @ts-expect-error no such keyword
  aten.add.Tensor(x, x, { beta: 2 })
  // @ts-expect-error a string is no dimension
  aten.softmax.int(x, 'last')
  // @ts-expect-error a number is no boolean
  aten.sum.dim_IntList(x, [0], 1)
  // @ts-expect-error a shape of any length is a list
  aten.reshape.default(x, 6)
  // @ts-expect-error no such dtype
  aten.zeros.default([2], { dtype: 'float' })
  // @ts-expect-error no such memory format
  aten.clone.default(x, { memory_format: 'channels_first' })
  // @ts-expect-error null is no tensor where one is needed
  aten.linear.default(x, null)
  // @ts-expect-error a list of tensors is needed
  aten.cat.default(x)
  // @ts-expect-error too many arguments
  aten.relu.default(x, x)
  // @ts-expect-error no such overload
  aten.add.Tensors(x, x)
  // @ts-expect-error no such operator
  aten.no_such_operator.default(x)
  // @ts-expect-error the result is a tuple
  aten.max.dim(x, 0).shape
  // @ts-expect-error a generator is needed
  aten.randperm.generator(5, { generator: 7 })
}

export function rightOperatorArguments(x: Tensor): [Tensor, Tensor] {
  aten.conv2d.default(x, x, null, 2, [1, 1])
  aten.conv2d.padding(x, x, null, 1, 'same')
  aten.index.Tensor(x, [null, x])
  const parts: Tensor[] = aten.split.Tensor(x, 2)
  aten.cat.default(parts, -1)
  return aten.max.dim(x, 1, true)
}

export function wrongTensorsAndModules(x: Tensor): void {
  // @ts-expect-error text is no value
  tensor(['1'])
  // @ts-expect-error the shape comes first
  full(1, [2])
  // @ts-expect-error a shape is a list
  zeros(2)
  // @ts-expect-error views take sizes one by one
  x.view([2, 3])
  // @ts-expect-error the second factor of a matrix product is a tensor
  x.matmul(2)
  // @ts-expect-error the shape is read only
  x.shape = [1]
  // @ts-expect-error an option of another name
  new nn.Conv2d(1, 2, 3, { strides: 2 })
  // @ts-expect-error the kernel size is missing
  new nn.Conv2d(1, 2)
  // @ts-expect-error there are two approximations
  new nn.GELU('sigmoid')
  // @ts-expect-error a tensor is no parameter
  new optim.SGD([x], { lr: 0.1 })
  // @ts-expect-error a setting of another optimiser
  new optim.SGD([new Parameter(x)], { betas: [0.9, 0.99] })
  // @ts-expect-error gradients are a list
  backward(x, { gradients: x })
}

export function wrongResult(x: Tensor): number {
  // @ts-expect-error what a scope gives has its body's type
  return scope(() => x)
}
