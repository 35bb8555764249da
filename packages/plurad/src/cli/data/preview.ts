import { writeFile } from 'node:fs/promises'
import { extname, resolve } from 'node:path'
import type { Command } from 'commander'
import { DataError, UsageError } from '../../errors.js'
import { readRecipe, readRecipeText } from '../../recipe/read.js'
import { recipeSchema, type Recipe } from '../../recipe/schema.js'
import { findRecipe } from '../recipes.js'
import { checkImages } from '../train-images.js'
import { collect, openFromFlags, type DatasetFlags } from './dataset-flags.js'
import { previewPage } from './preview-page.js'
import { findings, loadShown, makeSections, type Preview } from './preview-sections.js'
import { previewSheet } from './preview-sheet.js'

interface Flags extends DatasetFlags {
  n: string
  draws: string
  seed: string
  out: string
  withIds?: boolean
  json?: boolean
}

const WRITERS: Readonly<Record<string, (preview: Preview) => Promise<string | Buffer> | string>> = {
  '.html': previewPage,
  '.png': previewSheet,
}

export function register(data: Command): void {
  data
    .command('preview')
    .description('show what preprocessing and augmentation make of some images')
    .argument('<data>', 'a folder in a known layout, or a table')
    .option('--recipe <file>', 'preprocessing, augmentation and reading of the data set as in this recipe')
    .option(
      '--set <key=value>',
      'another value for the recipe, such as augmentation=fundus, or for reading the data set; may be repeated',
      collect,
      [],
    )
    .option('--images <folder>', 'the folder that image references start from')
    .option('--n <count>', 'samples to show', '4')
    .option('--draws <count>', 'random outcomes of each step', '5')
    .option('--seed <n>', 'for other samples and other outcomes', '0')
    .option('--out <file>', 'a page (.html) or a picture (.png)', 'preview.html')
    .option('--with-ids', 'name the image files, which may identify patients')
    .option('--json', 'print what was shown as JSON')
    .addHelpText(
      'after',
      `
Each sample is shown as the model sees it, then with all augmentations together and with each one alone.

Examples:
  plurad data preview ChestX-ray14 --recipe chexnet --out preview.html
  plurad data preview fundus/ --set data.channels=3 --set augmentation=fundus --out preview.png
  plurad data preview ct/ --set data.window=lung --set "augmentation=[{name: rotation, degrees: 20}]"`,
    )
    .action(preview)
}

async function preview(location: string, flags: Flags): Promise<void> {
  const write = WRITERS[extname(flags.out).toLowerCase()]
  if (write === undefined)
    throw new UsageError(`data preview: --out ${flags.out}: expected a .html or .png file`)
  const count = wholeNumber('n', flags.n, 1, 64)
  const draws = wholeNumber('draws', flags.draws, 1, 16)
  const seed = wholeNumber('seed', flags.seed, 0, 2 ** 31)
  const { recipe, settings } = await readFlags(flags)
  const dataset = await openFromFlags(location, { ...flags, set: settings })
  checkImages(dataset, recipe)
  const { shown, failed } = await loadShown(dataset, recipe, count, seed)
  if (shown.length === 0) {
    throw new DataError(
      `None of the images of ${location} could be read; the first reason: ${failed[0] ?? 'there are none'}`,
    )
  }
  const sections = await makeSections(shown, recipe, dataset, {
    draws,
    seed,
    withIds: flags.withIds ?? false,
  })
  const out = resolve(flags.out)
  const facts = describe(recipe)
  await writeFile(out, await write({ title: `${dataset.name}: what training sees`, facts, sections }))
  for (const reason of failed) process.stderr.write(`plurad: left out: ${reason}\n`)
  const { augmentation, mixing } = recipe
  if (flags.json) {
    const samples = shown.map(({ sample }) => ({
      ...(flags.withIds ? { image: sample.image } : {}),
      labels: findings(sample.labels, dataset.labels),
    }))
    process.stdout.write(`${JSON.stringify({ out, samples, augmentation, mixing, failed }, null, 2)}\n`)
    return
  }
  process.stdout.write(`Shown       ${shown.length} of ${dataset.samples.length} samples\n`)
  process.stdout.write(`Images      ${facts}\n`)
  const names = augmentation.map(({ name }) => name).join(', ')
  process.stdout.write(`Steps       ${names === '' ? 'none; try --set augmentation=radiograph' : names}\n`)
  process.stdout.write(`Preview     ${out}\n`)
}

/** Values for the recipe, apart from those for the data set's adapter. */
async function readFlags({ recipe: name, set }: Flags): Promise<{ recipe: Recipe; settings: string[] }> {
  const top = Object.keys(recipeSchema.shape)
  const ofRecipe = (change: string): boolean =>
    !change.startsWith('data.set.') && top.includes(/^[^.=]*/.exec(change)?.[0] ?? '')
  const changes = set.filter(ofRecipe)
  const settings = set.filter((change) => !ofRecipe(change))
  const file = name === undefined ? null : await findRecipe(name)
  const text = file === null ? 'name: preview' : await readRecipeText(file)
  return { recipe: readRecipe(text, file ?? 'data preview', changes), settings }
}

function describe({ data }: Recipe): string {
  const { size, resize_to: resizeTo, channels, resize, interpolation, window, images } = data
  const cut = resizeTo === null ? '' : `, cut out of ${resizeTo}`
  return (
    `${size} x ${size}${cut}, ${channels === 1 ? 'grey' : 'colour'}, ${resize}, ${interpolation}, ` +
    `window ${typeof window === 'string' ? window : JSON.stringify(window)}${images > 1 ? `, ${images} images a sample` : ''}`
  )
}

function wholeNumber(flag: string, text: string, min: number, max: number): number {
  const value = Number(text)
  if (/^\d+$/.test(text) && value >= min && value <= max) return value
  throw new UsageError(`data preview: --${flag} ${text}: expected a whole number from ${min} to ${max}`)
}
