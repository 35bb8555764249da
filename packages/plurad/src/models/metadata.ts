/** Age, sex and view as numbers, for heads that fuse them with the image (Pillai 2022). */
import type { Metadata } from '../data/dataset.js'

/** Age / 100, age known; female, male; frontal PA, frontal AP, lateral: what is unknown is 0. */
export const METADATA_FEATURES = 7

const VIEWS = [/^PA$/i, /^AP/i, /^(LL|LATERAL|LAT|L)$/i]

/** @returns METADATA_FEATURES numbers in [0, about 1.2] */
export function metadataFeatures({ age, sex, view }: Metadata): number[] {
  return [
    age === null ? 0 : age / 100,
    age === null ? 0 : 1,
    sex === 'F' ? 1 : 0,
    sex === 'M' ? 1 : 0,
    ...VIEWS.map((pattern) => (view !== null && pattern.test(view) ? 1 : 0)),
  ]
}
