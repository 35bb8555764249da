import type { Sample } from './dataset.js'
import { shuffled, type Random } from './random.js'

/** The images of one patient, which stay together. */
export interface Group {
  rows: number[]
  /** Indices of the labels that are present in some row, each with the number of rows. */
  positives: Map<number, number>
}

/** What is still to be filled of one part. */
interface Bin {
  rows: number
  /** By label. */
  positives: number[]
}

/** One group a patient, in the order of the samples; a row without a patient is one of its own. */
export function groupByPatient(samples: readonly Sample[]): Group[] {
  const groups: Group[] = []
  const byPatient = new Map<string, Group>()
  samples.forEach(({ patient, labels }, row) => {
    let group = patient === null ? undefined : byPatient.get(patient)
    if (group === undefined) {
      group = { rows: [], positives: new Map() }
      groups.push(group)
      if (patient !== null) byPatient.set(patient, group)
    }
    group.rows.push(row)
    for (let label = 0; label < labels.length; label++) {
      if (labels[label] === 1) group.positives.set(label, (group.positives.get(label) ?? 0) + 1)
    }
  })
  return groups
}

/**
 * Spreads groups over parts so that rows and each label's positives have the wanted shares, the rarest label first:
 * iterative stratification (Sechidis et al., On the Stratification of Multi-Label Data, ECML 2011) with patients in
 * the place of rows. A part that is full takes no more, so that the shares of rows hold before those of labels.
 *
 * @param shares one a part, of any sum
 * @param needs the parts that have to hold a label of so many patients, the most important first. It gets what it
 * needs wherever that costs no other label its last patient in a part
 * @returns one part (an index of `shares`) a group
 */
export function stratify(
  groups: readonly Group[],
  labelCount: number,
  shares: readonly number[],
  random: Random,
  needs: (patients: number) => readonly number[],
): number[] {
  const order = shuffled([...groups.keys()], random)
  // Large patients first, while there is still room to make up for them.
  order.sort((a, b) => groups[b].rows.length - groups[a].rows.length)
  const holders: number[][] = Array.from({ length: labelCount }, () => [])
  for (const group of order) for (const label of groups[group].positives.keys()) holders[label]?.push(group)
  const bins = emptyBins(groups, labelCount, shares)
  const part = new Array<number>(groups.length).fill(-1)
  const place = (group: number, chosen: number) => {
    const { rows, positives } = groups[group]
    part[group] = chosen
    bins[chosen].rows -= rows.length
    for (const [label, count] of positives) bins[chosen].positives[label] -= count
  }
  const left = holders.map((of) => of.length)
  const waiting = new Set(holders.keys())
  while (waiting.size > 0) {
    const rarest = [...waiting].reduce((a, b) => (left[b] < left[a] ? b : a))
    waiting.delete(rarest)
    for (const group of holders[rarest]) {
      if (part[group] >= 0) continue
      place(group, neediest(bins, random, rarest))
      for (const label of groups[group].positives.keys()) left[label]--
    }
  }
  for (const group of order) if (part[group] < 0) place(group, neediest(bins, random))
  spreadRare(groups, holders, part, needs)
  return part
}

function emptyBins(groups: readonly Group[], labelCount: number, shares: readonly number[]): Bin[] {
  const total = shares.reduce((sum, share) => sum + share, 0)
  const rows = groups.reduce((sum, group) => sum + group.rows.length, 0)
  const positives = new Array<number>(labelCount).fill(0)
  for (const group of groups) for (const [label, count] of group.positives) positives[label] += count
  return shares.map((share) => ({
    rows: (rows * share) / total,
    positives: positives.map((count) => (count * share) / total),
  }))
}

/** Of the parts that are not full, the one that lacks most of a label, then most rows, then by lot. */
function neediest(bins: readonly Bin[], random: Random, label?: number): number {
  const indices = [...bins.keys()]
  const withRoom = indices.filter((at) => bins[at].rows > 0)
  const wanted = (at: number) => (label === undefined ? 0 : bins[at].positives[label])
  const ranked = (withRoom.length > 0 ? withRoom : indices).map((at) => ({ at, lot: random.next() }))
  ranked.sort((a, b) => wanted(b.at) - wanted(a.at) || bins[b.at].rows - bins[a.at].rows || a.lot - b.lot)
  return ranked[0].at
}

/**
 * Where a label is missing from a part that needs it, its smallest patient that can be spared moves there: rarer
 * labels of the same patients may have drawn all of them elsewhere, and a split without a label has no AUC for it.
 * What comes first in a label's needs it gets even from a part that then has none: that of a single patient is
 * `train`.
 */
function spreadRare(
  groups: readonly Group[],
  holders: readonly number[][],
  part: number[],
  needs: (patients: number) => readonly number[],
): void {
  const size = (group: number) => groups[group].rows.length
  const needed = holders.map((having) => needs(having.length))
  const keepsItsPlace = (label: number, group: number) =>
    needed[label].includes(part[group]) &&
    !holders[label].some((other) => other !== group && part[other] === part[group])
  const spared = (group: number) =>
    ![...groups[group].positives.keys()].some((label) => keepsItsPlace(label, group))
  const deepest = Math.max(0, ...needed.map((parts) => parts.length))
  for (let rank = 0; rank < deepest; rank++) {
    for (const [label, having] of holders.entries()) {
      const wanted = needed[label][rank]
      if (wanted === undefined || having.some((group) => part[group] === wanted)) continue
      const movable = rank === 0 ? having : having.filter(spared)
      if (movable.length > 0) part[movable.reduce((a, b) => (size(b) < size(a) ? b : a))] = wanted
    }
  }
}
