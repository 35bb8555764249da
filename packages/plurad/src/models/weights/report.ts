/** What became of each tensor of a checkpoint, for people and for machines. */

/** A tensor of the model that stays as it was initialised though the checkpoint has one of its name. */
export interface KeptKey {
  key: string
  /** Shapes in the checkpoint and in the model. */
  from: readonly number[]
  to: readonly number[]
  reason: string
}

export interface FitReport {
  file: string
  /** What the used keys begin with. */
  prefix: string
  /** Whose names they are. */
  names: string
  /** Tensors of the model. */
  tensors: number
  /** Keys of the model. */
  loaded: string[]
  /** Loaded keys whose values were changed to fit, and how. */
  changed: { key: string; how: string }[]
  kept: KeptKey[]
  /** Keys of the model that the checkpoint does not have: as initialised. */
  missing: string[]
  /** Keys of the checkpoint that the model does not have. */
  unexpected: string[]
  /** Keys of the checkpoint outside of the prefix, such as an optimiser's. */
  elsewhere: string[]
  /** Labels whose rows of the classifier were found by name; null where names played no part. */
  labels: { loaded: string[]; initialised: string[] } | null
}

const SHOWN = 4

/** Short lines, what matters first. */
export function fitReportLines(report: FitReport): string[] {
  const { file, names, prefix, loaded, tensors, changed, kept, missing, unexpected, elsewhere, labels } =
    report
  const from = prefix === '' ? '' : `, under ${prefix.slice(0, -1)}`
  const lines = [
    `${file}: ${loaded.length} of the model's ${tensors} tensors loaded (names of ${names}${from}).`,
  ]
  for (const [how, keys] of grouped(changed)) lines.push(`  changed to fit: ${how}: ${listed(keys)}`)
  for (const { key, from: given, to, reason } of kept)
    lines.push(`  as initialised: ${key}: ${reason}, [${given.join(', ')}] for [${to.join(', ')}]`)
  if (labels !== null) {
    lines.push(`  classifier rows by name: ${listed(labels.loaded)}`)
    if (labels.initialised.length > 0) lines.push(`  labels that start anew: ${listed(labels.initialised)}`)
  }
  if (missing.length > 0) lines.push(`  as initialised: ${listed(byPart(missing))}`)
  const inner = unexpected.map((key) => key.slice(prefix.length))
  if (inner.length > 0) lines.push(`  not in the model: ${listed(byPart(inner))}`)
  if (elsewhere.length > 0) lines.push(`  not looked at: ${listed(byPart(elsewhere))}`)
  return lines
}

function grouped(changed: FitReport['changed']): Map<string, string[]> {
  const groups = new Map<string, string[]>()
  for (const { key, how } of changed) groups.set(how, [...(groups.get(how) ?? []), key])
  return groups
}

function listed(items: readonly string[]): string {
  const rest = items.length - SHOWN
  return rest > 1 ? `${items.slice(0, SHOWN).join(', ')} and ${rest} more` : items.join(', ')
}

/** Keys by what they begin with: a whole part that is missing is one item. */
function byPart(keys: readonly string[]): string[] {
  const parts = new Map<string, string[]>()
  for (const key of keys) {
    const part = key.split('.').slice(0, 2).join('.')
    parts.set(part, [...(parts.get(part) ?? []), key])
  }
  return [...parts].map(([part, own]) => (own.length === 1 ? own[0] : `${part}.* (${own.length})`))
}
