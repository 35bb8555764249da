/** Flags by which commands without a training run say how images become pixels. */
import type { Command } from 'commander'
import { parseDocument } from 'yaml'
import { z } from 'zod'
import { loadedFor } from '../../data/augment/steps.js'
import { preprocessingOf, preprocessingShape, type Preprocessing } from '../../data/preprocessing.js'
import { UsageError } from '../../errors.js'
import { readRecipe, readRecipeText } from '../../recipe/read.js'
import { describeIssues } from '../../schema-issues.js'
import { findRecipe } from '../recipes.js'

const KEYS = ['size', 'channels', 'resize', 'interpolation', 'window', 'bits'] as const

export type PreprocessingFlags = Partial<Record<(typeof KEYS)[number], string>> & {
  /** A recipe's file or name, for what the other flags do not say. */
  recipe?: string | undefined
}

/** Adds the flags to a command that has `--recipe`. */
export function preprocessingOptions(command: Command): Command {
  return command
    .option('--size <pixels>', 'side of the square that images become (default: 224)')
    .option('--channels <n>', '1 grey, 3 colour (default: 1)')
    .option('--resize <rule>', 'crop, letterbox or stretch (default: crop)')
    .option('--interpolation <name>', 'bilinear or bicubic (default: bilinear)')
    .option('--window <window>', 'of DICOM, NIfTI and arrays: file, full, lung, {center: 40, width: 400} …')
    .option('--bits <n>', 'bits that 16-bit PNG and TIFF files really use')
}

/**
 * What the flags say; else what the recipe says; else the defaults.
 *
 * @throws UsageError naming the flag whose value cannot be
 */
export async function preprocessingFrom(command: string, flags: PreprocessingFlags): Promise<Preprocessing> {
  const recipe = flags.recipe === undefined ? {} : await preprocessingOfRecipe(flags.recipe)
  const given = KEYS.flatMap((key) => {
    const text = flags[key]
    // Read as YAML, as `train --set` reads it, so that numbers, null and {objects} are what they look like.
    return text === undefined ? [] : [[key, parseDocument(text).toJS() as unknown] as const]
  })
  const schema = z.strictObject(preprocessingShape)
  const parsed = schema.safeParse({ ...recipe, ...Object.fromEntries(given) }, { reportInput: true })
  if (parsed.success) return parsed.data
  throw new UsageError(`${command}: --${describeIssues(parsed.error, schema, 'preprocessing').join('; --')}`)
}

async function preprocessingOfRecipe(name: string): Promise<Preprocessing> {
  const file = await findRecipe(name)
  const { data, augmentation } = readRecipe(await readRecipeText(file), file)
  return loadedFor(augmentation, preprocessingOf(data))
}
