/** Every libtorch operator that can be written as ONNX, by its name and overload. */
import type { Converter } from '../call.js'
import { elementwise } from './elementwise.js'
import { layers } from './layers.js'
import { recurrent } from './recurrent.js'
import { shapes } from './shape.js'

export const converters: Readonly<Record<string, Converter>> = {
  ...elementwise,
  ...shapes,
  ...layers,
  ...recurrent,
}
