/**
 * The diagnostic keywords that ODIR-5K's readers wrote for each eye, such as `laser spot，moderate non proliferative
 * retinopathy`, as the challenge's eight classes and as findings of their own.
 */
import type { LabelValue } from '../dataset.js'

/** The challenge's classes in the order of its table: the column's long name, the letter, what a keyword of it says. */
const CLASSES = [
  ['N', 'Normal', /^normal fundus$/],
  ['D', 'Diabetes', /diabetic|proliferative retinopathy/],
  ['G', 'Glaucoma', /glaucoma/],
  ['C', 'Cataract', /cataract/],
  ['A', 'Age related Macular Degeneration', /age-related macular degeneration/],
  ['H', 'Hypertension', /hypertensi/],
  ['M', 'Pathological Myopia', /myopi/],
  ['O', 'Other diseases/abnormalities', /(?:)/],
] as const

/** Normal, diabetes, glaucoma, cataract, age-related macular degeneration, hypertension, myopia, other. */
export const ODIR_LABELS: readonly string[] = CLASSES.map(([letter]) => letter)

/** What each class is called where a table spells it out. */
export const ODIR_LONG_NAMES: readonly string[] = CLASSES.map(([, name]) => name)

const NORMAL = 'normal fundus'

/** What is said of the picture and not of the eye: it neither is a finding nor rules one out. */
const BACKGROUND = new Set([
  'anterior segment image',
  'image offset',
  'lens dust',
  'low image quality',
  'no fundus image',
  'optic disk photographically invisible',
])

/** Different words for one finding. What is not here stands for itself: no finding is put under a wider one. */
const SYNONYMS = new Map([
  ['chorioretinal atrophy with pigmentation proliferation', 'chorioretinal atrophy'],
  ['diffuse chorioretinal atrophy', 'chorioretinal atrophy'],
  ['epiretinal membrane over the macula', 'macular epiretinal membrane'],
  ['fundus laser photocoagulation spots', 'laser spot'],
  ['old branch retinal vein occlusion', 'branch retinal vein occlusion'],
  ['optic disk epiretinal membrane', 'epiretinal membrane'],
  ['post laser photocoagulation', 'laser spot'],
  ['post retinal laser surgery', 'laser spot'],
  ['severe proliferative diabetic retinopathy', 'proliferative diabetic retinopathy'],
])

const SUSPECTED = /^susp(?:ected|icious) /

/** The keywords of one eye, lower case, in their order; the separators are `,` and the full-width `，`. */
export function parseKeywords(text: string): readonly string[] {
  const words = text.split(/[,，;；]/).map((word) => word.trim().toLowerCase().replace(/\s+/g, ' '))
  return [...new Set(words.filter((word) => word !== ''))]
}

/** Whether a reader could say nothing of the eye, as in `low image quality` alone. */
export function saysNothing(keywords: readonly string[]): boolean {
  return keywords.every((keyword) => BACKGROUND.has(keyword))
}

/**
 * One value for each of `ODIR_LABELS`. An eye is normal where nothing else is said of it; all is unknown where only the
 * picture is spoken of. Suspicions count as their class, as they do in the challenge's table.
 */
export function classesOf(keywords: readonly string[]): readonly LabelValue[] {
  if (saysNothing(keywords)) return CLASSES.map(() => null)
  const found = new Set(
    keywords
      .filter((keyword) => !BACKGROUND.has(keyword))
      .map((keyword) => CLASSES.findIndex(([, , pattern]) => pattern.test(keyword))),
  )
  if (found.size > 1) found.delete(0)
  return CLASSES.map((_, index) => (found.has(index) ? 1 : 0))
}

/**
 * The findings that the keywords of an eye name. A suspicion is a finding of its own, such as `suspected glaucoma`
 * which 36 eyes have, and leaves what is suspected unknown (null).
 */
export function findingsOf(keywords: readonly string[]): ReadonlyMap<string, LabelValue> {
  const found = new Map<string, LabelValue>()
  for (const keyword of keywords) {
    const word = keyword.replace(SUSPECTED, '')
    const finding = SYNONYMS.get(word) ?? word
    if (word === keyword) found.set(finding, 1)
    else {
      found.set(`suspected ${finding}`, 1)
      if (!found.has(finding)) found.set(finding, null)
    }
  }
  return found
}

/**
 * What eyes make of a patient: a finding that either has, and the normal one only where all are normal. Unknown where
 * that depends on an eye in which it is unknown.
 *
 * @param eyes one or more, each with as many values
 * @param normal position of the label for a normal eye; -1 where there is none
 */
export function combineEyes(eyes: readonly (readonly LabelValue[])[], normal: number): readonly LabelValue[] {
  return (eyes[0] ?? []).map((_, label) => {
    const values = eyes.map((eye) => eye[label])
    const decisive = label === normal ? 0 : 1
    if (values.includes(decisive)) return decisive
    return values.includes(null) ? null : label === normal ? 1 : 0
  })
}

/** Where `normal fundus` stands among findings; -1 where it does not. */
export function normalAmong(findings: readonly string[]): number {
  return findings.indexOf(NORMAL)
}
