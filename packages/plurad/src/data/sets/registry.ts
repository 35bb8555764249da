import type { DatasetAdapter } from './adapter.js'
import { csv } from './csv.js'
import { nih } from './nih.js'

/** Every layout of data set, the particular ones before the general: the first that fits is taken. */
export const datasetAdapters: readonly DatasetAdapter[] = [nih, csv]
