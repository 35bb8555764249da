/** Public data sets that `plurad data get` knows where to find. To add one: an entry here. */
import { medmnistSources } from './medmnist.js'
import { nihChestXray14 } from './nih-chestxray14.js'

/** One file of a data set, as its publisher has it. */
export interface SourceFile {
  /** Its name on disk; a mirror has it under this name too. */
  name: string
  url: string
  /** To see beforehand that the disk has room; null where nobody says before the server does. */
  bytes: number | null
  /** As published, or computed from the published file; null where nobody says. */
  md5: string | null
  sha256: string | null
  /** Its files are put beside it, and it is then removed. */
  unpack: boolean
}

export interface Licence {
  name: string
  /** What it asks for, in one or two sentences. */
  terms: string
  url: string
}

export interface Source {
  /** What `plurad data get` takes. */
  name: string
  /** Sets that differ in their resolution alone share one. */
  family: string
  title: string
  /** One line: what is on the images, what the labels are. */
  description: string
  images: number
  labels: number
  /** Bytes of all files, for people: not exact. */
  atMost: number
  licence: Licence
  /** How to cite it, one entry a paper. */
  citations: readonly string[]
  homepage: string
  /** Tables and lists first: what is wrong with them shows before the hours of images. */
  files: readonly SourceFile[]
  /** What to name after `--data`, from the folder that it was put into. */
  location: string
  /** Its images' side in pixels. */
  size: number
  channels: 1 | 3
}

export const sources: readonly Source[] = [...medmnistSources, nihChestXray14]
