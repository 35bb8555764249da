/** Word vectors as word2vec's and GloVe's text files have them: a word and its numbers a line. */
import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { createGunzip } from 'node:zlib'
import { DataError } from '../../errors.js'
import type { LabelVectors } from '../head.js'
import { promptOf, wordsOf } from './prompt.js'

export interface WordVectors {
  vectors: LabelVectors
  /** Words that the file does not have. */
  unknown: string[]
}

/**
 * A label's vector is the mean of those of its words; a prompt's words have one each, unknown ones are left out.
 *
 * @throws DataError where the file is no such file, or knows none of a label's words
 */
export async function vectorsFromWords(
  file: string,
  source: string,
  labels: readonly string[],
): Promise<WordVectors> {
  const prompt = wordsOf(promptOf(labels))
  const found = await readWords(file, new Set([...prompt, ...labels.flatMap(wordsOf)]))
  const known = (words: readonly string[]): number[][] =>
    words.flatMap((word) => {
      const vector = found.get(word)
      return vector === undefined ? [] : [vector]
    })
  const perLabel = labels.map((label) => known(wordsOf(label)))
  const without = labels.filter((_, i) => perLabel[i].length === 0)
  if (without.length > 0) {
    throw new DataError(
      `${file} has no word of the label${without.length > 1 ? 's' : ''} ${without.join(', ')}. Use a file of medical words, ` +
        'rename the labels to words, or set model.label_vectors to cooccurrence.',
    )
  }
  return {
    vectors: { source, labels: perLabel.map(mean), prompt: known(prompt) },
    unknown: [...new Set(prompt)].filter((word) => !found.has(word)),
  }
}

async function readWords(file: string, wanted: ReadonlySet<string>): Promise<Map<string, number[]>> {
  const bytes = createReadStream(file)
  const stream = file.endsWith('.gz') ? bytes.pipe(createGunzip()) : bytes
  const found = new Map<string, number[]>()
  /** Words of other case stand in where the word itself does not come. */
  const otherCase = new Map<string, number[]>()
  let [dim, number] = [0, 0]
  try {
    bytes.on('error', (error) => stream.destroy(error))
    for await (const line of createInterface({ input: stream, crlfDelay: Infinity })) {
      number++
      const space = line.indexOf(' ')
      // word2vec's files begin with the number of words and of numbers a word.
      if (space < 0 || (number === 1 && /^\d+ \d+\s*$/.test(line))) continue
      const word = line.slice(0, space)
      const lower = word.toLowerCase()
      const isWord = wanted.has(word)
      if (!isWord && !wanted.has(lower)) {
        if (dim === 0) dim = numbersOf(line, space).length
        continue
      }
      const vector = numbersOf(line, space)
      dim ||= vector.length
      if (vector.length !== dim || !vector.every(Number.isFinite))
        throw new Error(`line ${number} has ${vector.length} numbers, expected ${dim}`)
      if (isWord) found.set(word, vector)
      else if (!otherCase.has(lower)) otherCase.set(lower, vector)
    }
  } catch (error) {
    throw new DataError(
      `The word vectors ${file} cannot be read: ${(error as Error).message}. Expected a text file of a word and its numbers a ` +
        'line, as GloVe and word2vec (text format) have it.',
      { cause: error },
    )
  }
  for (const [word, vector] of otherCase) if (!found.has(word)) found.set(word, vector)
  return found
}

function numbersOf(line: string, space: number): number[] {
  return line
    .slice(space + 1)
    .trim()
    .split(/\s+/)
    .map(Number)
}

function mean(vectors: readonly (readonly number[])[]): number[] {
  return vectors[0].map((_, i) => vectors.reduce((sum, vector) => sum + vector[i], 0) / vectors.length)
}
