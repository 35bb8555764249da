import { namedWindows, type WindowChoice } from '../../preprocessing.js'
import type { Attributes } from './attributes.js'
import { frameSettings } from './functional-groups.js'
import { lookUp, readLookupTable, type LookupTable } from './lookup-table.js'
import { tags } from './tags.js'
import { UnsupportedError } from '../format.js'

/** From measured values to brightness (PS3.3, C.11.2). */
export interface Voi {
  /** 0 (the window's low end) to 1. */
  map: (value: number) => number
  /** Whether a value is told apart from those below and above. */
  inside: (value: number) => boolean
}

/** What the file itself offers for a frame. */
export interface FileVoi {
  table: LookupTable | null
  windows: FileWindow[]
}

interface FileWindow {
  center: number
  width: number
  shape: WindowShape
}

/** VOI LUT Function. */
type WindowShape = 'LINEAR' | 'LINEAR_EXACT' | 'SIGMOID'

/**
 * Reads a frame's VOI LUT and windows; what is unusable of them is left out.
 *
 * @param range least and greatest measured value that can be
 */
export function readFileVoi(
  attributes: Attributes,
  frame: number,
  range: readonly [number, number],
  warnings: string[],
): FileVoi {
  const settings = frameSettings(attributes, frame, tags.FrameVOILUTSequence)
  const [item] = settings.items(tags.VOILUTSequence)
  const table =
    item === undefined
      ? null
      : readLookupTable(item, { descriptor: tags.LUTDescriptor, data: tags.LUTData }, range)
  if (table !== null && table.entries.reduce((a, b) => Math.max(a, b), 0) < 2 ** (table.bits - 1))
    warnings.push(`its VOI lookup table reaches less than half of the ${table.bits} bits it claims`)
  const shape = readShape(settings, warnings)
  try {
    const centers = settings.decimals(tags.WindowCenter, 'window center')
    const widths = settings.decimals(tags.WindowWidth, 'window width')
    const windows = centers.slice(0, widths.length).map((center, index) => ({
      center,
      width: widths[index],
      // Widths below 1 are impossible in the linear formula and common in files of fractional values.
      shape: shape === 'LINEAR' && widths[index] < 1 ? 'LINEAR_EXACT' : shape,
    }))
    if (!windows.every(isUsable)) warnings.push('a window of width 0 or less was left out')
    return { table, windows }
  } catch (error) {
    warnings.push(`${(error as Error).message}; its windows were left out`)
    return { table, windows: [] }
  }
}

const isUsable = ({ width }: FileWindow): boolean => width > 0

function readShape(settings: Attributes, warnings: string[]): WindowShape {
  const text = settings.text(tags.VOILUTFunction) ?? 'LINEAR'
  if (text === 'LINEAR' || text === 'LINEAR_EXACT' || text === 'SIGMOID') return text
  warnings.push(`its VOI LUT function is "${text.slice(0, 20)}"; read as LINEAR`)
  return 'LINEAR'
}

/**
 * @param full least and greatest value of the choice `full`
 * @throws Error where a window of the file is asked for that it does not have
 */
export function chooseVoi(
  choice: WindowChoice,
  file: FileVoi,
  full: readonly [number, number],
): { voi: Voi; isFull: boolean } {
  if (choice === 'file') {
    if (file.table !== null) return { voi: tableVoi(file.table), isFull: false }
    const window = file.windows.find(isUsable)
    return window === undefined
      ? { voi: rangeVoi(full), isFull: true }
      : { voi: windowVoi(window), isFull: false }
  }
  if (choice === 'full') return { voi: rangeVoi(full), isFull: true }
  if (typeof choice === 'string') {
    const [center, width] = namedWindows[choice]
    return { voi: windowVoi({ center, width, shape: 'LINEAR' }), isFull: false }
  }
  if ('preset' in choice) {
    const window = file.windows.at(choice.preset)
    if (window === undefined)
      throw new UnsupportedError(
        `it has ${file.windows.length} windows, and number ${choice.preset} (from 0) is asked for`,
      )
    return { voi: windowVoi(window), isFull: false }
  }
  const shape = choice.width < 1 ? 'LINEAR_EXACT' : 'LINEAR'
  return { voi: windowVoi({ ...choice, shape }), isFull: false }
}

/**
 * LINEAR: (x - (c - 0.5)) / (w - 1) + 0.5, LINEAR_EXACT: (x - c) / w + 0.5, both cut off at 0 and 1;
 * SIGMOID: 1 / (1 + exp(-4 (x - c) / w)).
 */
function windowVoi({ center, width, shape }: FileWindow): Voi {
  if (shape === 'SIGMOID') {
    return { map: (value) => 1 / (1 + Math.exp((-4 * (value - center)) / width)), inside: () => true }
  }
  const exact = shape === 'LINEAR_EXACT'
  const middle = exact ? center : center - 0.5
  const span = exact ? width : width - 1
  // A linear window of width 1 is a threshold.
  const place = (value: number): number =>
    span === 0 ? (value <= middle ? 0 : 1) : (value - middle) / span + 0.5
  return {
    map: (value) => Math.min(Math.max(place(value), 0), 1),
    inside: (value) => {
      const at = place(value)
      return at >= 0 && at <= 1
    },
  }
}

function tableVoi(table: LookupTable): Voi {
  const white = 2 ** table.bits - 1
  const last = table.first + table.entries.length - 1
  return {
    map: (value) => Math.min(lookUp(table, value) / white, 1),
    inside: (value) => value >= table.first && value <= last,
  }
}

function rangeVoi([low, high]: readonly [number, number]): Voi {
  const span = high > low ? high - low : 1
  return { map: (value) => Math.min(Math.max((value - low) / span, 0), 1), inside: () => true }
}
