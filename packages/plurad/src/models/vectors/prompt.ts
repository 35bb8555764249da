/** Label names as words, and the sentence that LDRNet reads them in. */

/** `Pleural_Thickening` -> pleural, thickening. */
export function wordsOf(text: string): string[] {
  return text
    .replace(/(\p{Ll})(\p{Lu})/gu, '$1 $2')
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== '')
}

export function promptOf(labels: readonly string[]): string {
  return `The Categories of the image are ${labels.map((label) => wordsOf(label).join(' ')).join(', ')}`
}
