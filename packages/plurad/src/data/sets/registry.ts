import type { DatasetAdapter } from './adapter.js'
import { chexpert } from './chexpert.js'
import { competition } from './competition.js'
import { csv } from './csv.js'
import { cxrLt } from './cxr-lt.js'
import { imageFolder } from './image-folder.js'
import { medmnist } from './medmnist.js'
import { merged } from './merged.js'
import { mimicCxr } from './mimic-cxr.js'
import { nihGoogle } from './nih-google.js'
import { nih } from './nih.js'
import { odir } from './odir.js'
import { padchest } from './padchest.js'
import { rfmid } from './rfmid.js'
import { vindr } from './vindr.js'

/** Every layout of data set, the particular ones before the general: the first that fits is taken. */
export const datasetAdapters: readonly DatasetAdapter[] = [
  merged,
  nih,
  nihGoogle,
  chexpert,
  mimicCxr,
  cxrLt,
  padchest,
  vindr,
  odir,
  rfmid,
  competition,
  medmnist,
  imageFolder,
  csv,
]
