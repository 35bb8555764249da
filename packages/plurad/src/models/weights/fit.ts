/**
 * Loads a checkpoint into a model by key, whatever library it comes from: nested dictionaries and prefixes are looked
 * through, names are translated, shapes adapted where that makes sense. What was done is in the report.
 */
import { noGrad, scope, type Tensor, type TensorEntry } from '@plurad/torch'
import { DataError } from '../../errors.js'
import { findingKey } from '../../data/sets/synonyms.js'
import type { Classifier } from '../classifier.js'
import { adaptation, pickRows } from './adapt.js'
import type { Checkpoint } from './checkpoint.js'
import type { FitReport, KeptKey } from './report.js'
import { translationsFor } from './translations/registry.js'

export interface FitOptions {
  /** What the rows of the checkpoint's classifier stand for, where it is known from elsewhere. */
  labels?: readonly (string | null)[] | null
}

/** Buffers that the model makes itself, from its shape. */
const DERIVED = /(^|\.)(relative_position_index|attn_mask|relative_coords_table)$/
/** Counters that old checkpoints lack and that nothing depends on. */
const COUNTER = /(^|\.)num_batches_tracked$/
/** Weights that were averaged while training are preferred to those that were not. */
const AVERAGED = /(^|[._])(ema|teacher)([._]|$)/
const DEEPEST_PREFIX = 6
const MAX_PREFIXES = 64

interface Naming {
  prefix: string
  translation: string
  /** Key of the checkpoint -> key of the model. */
  keys: Map<string, string>
}

type Step = (own: Tensor, read: () => Tensor) => Tensor

/**
 * Changes the model's parameters and buffers in place.
 *
 * @throws DataError where nothing of the backbone is found, or a weight of it has a shape that cannot be brought to fit
 */
export function fitCheckpoint(
  { file, tensors, labels: written }: Checkpoint,
  model: Classifier,
  { labels: given = null }: FitOptions = {},
): FitReport {
  const own = model.stateDict()
  const entries = tensors.entries
  const labels = given ?? written
  const naming = chooseNaming(entries, own, model, labels !== null)
  const loads = new Map<string, { key: string; step: Step }>()
  const report: FitReport = {
    file,
    prefix: naming.prefix,
    names: naming.translation,
    tensors: own.size,
    loaded: [],
    changed: [],
    kept: [],
    missing: [],
    unexpected: [],
    elsewhere: [],
    labels: null,
  }
  for (const key of entries.keys()) {
    if (!key.startsWith(naming.prefix)) report.elsewhere.push(key)
    else if (!naming.keys.has(key) && !DERIVED.test(key)) report.unexpected.push(key)
  }
  const rows = labels === null ? null : rowsByName(labels, model.settings.labels)
  const mismatched: string[] = []
  const named = new Set(naming.keys.values())
  for (const [key, ownKey] of naming.keys) {
    const [entry, target] = [entries.get(key), own.get(ownKey)]
    if (entry === undefined || target === undefined) continue
    const plan = planOf(entry, target, ownKey, { stem: model.backbone.stem, rows, labels })
    if ('step' in plan) {
      for (const place of [ownKey, ...twinsOf(ownKey, model, named)]) {
        loads.set(place, { key, step: plan.step })
        report.loaded.push(place)
        if (plan.how !== null) report.changed.push({ key: place, how: plan.how })
      }
      if (plan.byName) report.labels = labelsReport(rows, model.settings.labels)
    } else if (ownKey.startsWith('backbone.')) mismatched.push(mismatch(key, entry, ownKey, target))
    else report.kept.push(plan)
  }
  const kept = new Set(report.kept.map(({ key }) => key))
  report.missing = [...own.keys()].filter(
    (key) => !loads.has(key) && !kept.has(key) && !DERIVED.test(key) && !COUNTER.test(key),
  )
  if (![...loads.keys()].some((key) => key.startsWith('backbone.'))) {
    throw new DataError(
      `${file}: none of its ${entries.size} tensors is one of the backbone ${model.settings.backbone.name} by name` +
        `${mismatched.length > 0 ? ' and shape' : ''}. ${examples(entries, own)}${mismatched.slice(0, 3).join('; ')}`,
    )
  }
  if (mismatched.length > 0) {
    throw new DataError(
      `${file} does not fit the backbone ${model.settings.backbone.name}: ${mismatched.slice(0, 3).join('; ')}` +
        `${mismatched.length > 3 ? ` (and ${mismatched.length - 3} more)` : ''}. Is it of another architecture?`,
    )
  }
  noGrad(() => {
    for (const [ownKey, { key, step }] of loads) {
      const target = own.get(ownKey)
      if (target === undefined) continue
      scope(() => {
        const values = step(target, () => tensors.read(key))
        assertFinite(values, file, key)
        target.copy_(values)
      })
    }
  })
  return report
}

/** The same weight in the head's backbones, which start alike: but for those that the checkpoint has weights of their own for. */
function twinsOf(ownKey: string, model: Classifier, named: ReadonlySet<string>): string[] {
  if (!ownKey.startsWith('backbone.')) return []
  const rest = ownKey.slice('backbone.'.length)
  return [...model.backbones.keys()]
    .map((prefix) => `${prefix}${rest}`)
    .filter((place) => place !== ownKey && !named.has(place))
}

/** Training would fail much later, and the learning rate would be blamed. */
function assertFinite(values: Tensor, file: string, key: string): void {
  if (values.isFinite().all().item() === 1) return
  throw new DataError(
    `${file}: ${key} holds values that are not numbers or infinite. The training that wrote it went wrong: use weights ` +
      'from before.',
  )
}

interface PlanContext {
  stem: string | null
  rows: readonly (number | null)[] | null
  labels: readonly unknown[] | null
}

type Plan = { step: Step; how: string | null; byName?: boolean } | KeptKey

function planOf(entry: TensorEntry, target: Tensor, ownKey: string, context: PlanContext): Plan {
  const { shape: from } = entry
  const { shape: to } = target
  const { rows, labels } = context
  const inHead = ownKey.startsWith('head.')
  if (inHead && rows !== null && labels !== null && !inOrder(rows, labels.length)) {
    const perLabel = from[0] === labels.length && to[0] === rows.length
    if (perLabel && from.slice(1).join() === to.slice(1).join() && to[1] !== rows.length) {
      return rows.every((row) => row === null)
        ? { key: ownKey, from, to, reason: 'no label in common' }
        : { step: (own, read) => pickRows(read(), rows, own), how: 'rows by label name', byName: true }
    }
    if (from.includes(labels.length)) return { key: ownKey, from, to, reason: 'other labels' }
  }
  if (from.join() === to.join()) return { step: (_, read) => read(), how: null }
  const key = ownKey.replace(/^(backbone|head)\./, '')
  const adapted = adaptation(from, to, { key, stem: inHead ? null : context.stem })
  if (adapted !== null) return { step: (_, read) => adapted.apply(read()), how: adapted.how }
  return { key: ownKey, from, to, reason: 'another shape' }
}

/** For each of the model's labels, the row of the checkpoint's classifier that stands for it. */
function rowsByName(labels: readonly (string | null)[], own: readonly string[]): (number | null)[] {
  const places = new Map(labels.map((label, row) => [label === null ? '' : findingKey(label), row]))
  return own.map((label) => places.get(findingKey(label)) ?? null)
}

function inOrder(rows: readonly (number | null)[], count: number): boolean {
  return rows.length === count && rows.every((row, i) => row === i)
}

function labelsReport(rows: readonly (number | null)[] | null, own: readonly string[]): FitReport['labels'] {
  const known = own.filter((_, i) => rows?.[i] !== null)
  return { loaded: known, initialised: own.filter((label) => !known.includes(label)) }
}

/** The prefix and the translation by which most of the model's keys are found; the plainest of equal ones. */
function chooseNaming(
  entries: ReadonlyMap<string, TensorEntry>,
  own: ReadonlyMap<string, Tensor>,
  model: Classifier,
  knowsLabels: boolean,
): Naming {
  const places = placesOf(own, model, knowsLabels)
  let best: Naming = { prefix: '', translation: 'torchvision', keys: new Map() }
  for (const prefix of prefixesOf([...entries.keys()])) {
    const inner = [...entries.keys()]
      .filter((key) => key.startsWith(prefix))
      .map((key) => key.slice(prefix.length))
    const all = new Set(inner)
    for (const { name, key: translate } of translationsFor(model.settings.backbone.name)) {
      const keys = new Map<string, string>()
      const taken = new Set<string>()
      for (const key of inner) {
        const translated = translate(key, all)
        const ownKey = translated === null ? undefined : places.get(translated)
        if (ownKey === undefined || taken.has(ownKey) || DERIVED.test(ownKey)) continue
        taken.add(ownKey)
        keys.set(prefix + key, ownKey)
      }
      if (keys.size > best.keys.size) best = { prefix, translation: name, keys }
    }
  }
  return best
}

/** Where keys of checkpoints go: the model's own names, and within backbone and published head those without the part. */
function placesOf(
  own: ReadonlyMap<string, Tensor>,
  { settings }: Classifier,
  knowsLabels: boolean,
): Map<string, string> {
  const places = new Map<string, string>()
  for (const key of own.keys()) {
    places.set(key, key)
    if (key.startsWith('backbone.')) places.set(key.slice('backbone.'.length), key)
    else if (settings.head.name === 'published') places.set(key.slice('head.'.length), key)
  }
  // Without the names of its labels nobody can tell what the rows of another's classifier stand for.
  if (settings.head.name === 'linear' && knowsLabels) {
    const published = CLASSIFIERS.find(([backbones]) => backbones.test(settings.backbone.name))?.[1]
    for (const part of ['weight', 'bias'])
      if (published !== undefined) places.set(`${published}.${part}`, `head.classifier.${part}`)
  }
  return places
}

/** The last layer's name where an architecture was published with a pooled map and one linear layer. */
const CLASSIFIERS: readonly (readonly [RegExp, string])[] = [
  [/^densenet/, 'classifier'],
  [/^resnet|^inception_v3$/, 'fc'],
  [/^inception_resnet/, 'classif'],
  [/^(efficientnet|mobilenet_v2)/, 'classifier.1'],
  [/^swin/, 'head'],
]

/** Beginnings that many keys share, up to a dot; none first, averaged weights before others, short before long. */
function prefixesOf(keys: readonly string[]): string[] {
  const counts = new Map<string, number>()
  for (const key of keys) {
    let end = -1
    for (let depth = 0; depth < DEEPEST_PREFIX; depth++) {
      end = key.indexOf('.', end + 1)
      if (end < 0) break
      const prefix = key.slice(0, end + 1)
      counts.set(prefix, (counts.get(prefix) ?? 0) + 1)
    }
  }
  const most = [...counts].sort((a, b) => b[1] - a[1]).slice(0, MAX_PREFIXES)
  const averaged = (prefix: string): number => (AVERAGED.test(prefix) ? 0 : 1)
  const sorted = most
    .map(([prefix]) => prefix)
    .sort((a, b) => averaged(a) - averaged(b) || a.length - b.length)
  return ['', ...sorted]
}

function mismatch(key: string, entry: TensorEntry, ownKey: string, target: Tensor): string {
  return `${key} has shape [${entry.shape.join(', ')}], the model's ${ownKey} [${target.shape.join(', ')}]`
}

function examples(entries: ReadonlyMap<string, unknown>, own: ReadonlyMap<string, unknown>): string {
  const first = (keys: ReadonlyMap<string, unknown>): string => [...keys.keys()].slice(0, 3).join(', ')
  return entries.size === 0 ? '' : `It has ${first(entries)} …; the model ${first(own)} …. `
}
