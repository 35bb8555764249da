import { join } from 'node:path'
import { Option, type Command } from 'commander'
import { UsageError } from '../errors.js'
import { parseLabelChoice } from '../explain/labels.js'
import { readBoxes } from '../explain/localisation/boxes.js'
import { RAW_FORMS, type RawForm, type Written } from '../explain/render/write.js'
import { makeFolder, writeFileAtomic } from '../files.js'
import { applyChange } from '../recipe/read.js'
import { readEnvironment } from '../run/environment.js'
import { RunFolder } from '../run/folder.js'
import { collect } from './data/dataset-flags.js'
import { chooseSamples, openOwnOrOther } from './evaluate/judged.js'
import type { ExplainRequest } from './explain/engine.js'
import { BoxesByImage, localisationTable, localise } from './explain/localise.js'
import { writePictures } from './explain/pictures.js'
import { modelLabels } from './explain/model-labels.js'
import { checkDevice } from './infer.js'
import { expandInputs } from './predict/inputs.js'
import { parseThreads } from './threads.js'

interface Flags {
  method?: string
  stage?: string
  with: string[]
  labels: string
  out?: string
  raw: RawForm
  scale: 'shared' | 'own'
  side: string
  boxes?: string
  boxSize?: string
  data?: string
  set: string[]
  split?: string
  json?: boolean
  threads?: string
  device: string
}

export function register(program: Command): void {
  program
    .command('explain')
    .description('show where in the image a model finds what it finds, and measure it against boxes')
    .argument('<model>', 'a run folder, a .onnx file or a model.safetensors')
    .argument('[file...]', 'images, folders of images or patterns; none with --boxes: measure on the data')
    .option(
      '--method <name>',
      'grad-cam, grad-cam++, hires-cam, layer-cam, integrated-gradients, occlusion, attention, cam (default: grad-cam; ' +
        'for .onnx cam or attention)',
    )
    .option('--stage <n>', 'stage of the backbone whose map is looked at, 1 the finest (default: the last)')
    .option('--with <key=value>', 'an option of the method, such as steps=64; may be repeated', collect, [])
    .option('--labels <names>', 'names with commas between, top:3, found or all', 'found')
    .option('--out <folder>', 'where the pictures go; with --boxes alone localisation.json')
    .addOption(
      new Option('--raw <form>', 'the numbers too: npy on their own grid, png16 in the size of the image')
        .choices(RAW_FORMS)
        .default('none'),
    )
    .addOption(
      new Option('--scale <kind>', 'of the colours: one for all labels of an image, or one each')
        .choices(['shared', 'own'])
        .default('shared'),
    )
    .option('--side <pixels>', 'longest side of a panel of the picture', '320')
    .option('--boxes <table>', 'boxes of readers: drawn into the pictures, or without files measured against')
    .option(
      '--box-size <pixels>',
      "side of the images that the boxes were drawn on, 1024 for NIH's (default: as they are)",
    )
    .option('--data <folder|csv>', "with --boxes: the data set; a run folder's own when left out")
    .option('--set <key=value>', 'with --data: a setting of its adapter; may be repeated', collect, [])
    .option(
      '--split <name>',
      "with --boxes: train, val, test or all (default: test of a run's own data, else all)",
    )
    .option('--json', 'print what was written, or measured, as JSON')
    .option('--threads <n>', 'threads of the engine')
    .option('--device <device>', 'auto, cpu, cuda or cuda:N', 'auto')
    .addHelpText(
      'after',
      `
A heatmap says what the model looked at, not what is there: read docs/explanations.md before believing one.

Examples:
  plurad explain runs/chexnet image.png --out heatmaps
  plurad explain model.onnx images/ --labels top:3 --raw npy --out heatmaps
  plurad explain runs/chexnet image.png --method integrated-gradients --with baseline=white --out heatmaps
  plurad explain runs/chexnet --boxes BBox_List_2017.csv --box-size 1024 --out localisation`,
    )
    .action(async (model: string, files: string[], flags: Flags) => {
      const request = {
        model,
        method: flags.method,
        options: flags.with.reduce<Record<string, unknown>>((all, change) => changed(all, change), {}),
        stage: flags.stage === undefined ? null : wholeNumber('stage', flags.stage),
        threads: parseThreads('explain', flags.threads),
        device: checkDevice('explain', flags.device),
      }
      if (files.length > 0) await explainFiles(request, files, flags)
      else await measureBoxes(request, flags)
    })
}

function changed(options: Record<string, unknown>, change: string): Record<string, unknown> {
  if (change.indexOf('=') < 1)
    throw new UsageError(`explain: --with ${change}: expected key=value, such as steps=64`)
  return applyChange(options, change)
}

function wholeNumber(flag: string, text: string): number {
  const value = Number(text)
  if (Number.isInteger(value) && value > 0) return value
  throw new UsageError(`explain: --${flag} ${text}: expected a whole number from 1 on`)
}

type Request = Omit<ExplainRequest, 'items'>

async function explainFiles(request: Request, files: readonly string[], flags: Flags): Promise<void> {
  const { out, boxes, boxSize, raw, scale } = flags
  if (out === undefined) throw new UsageError('explain: --out <folder> is needed: where the pictures go')
  const labels = parseLabelChoice(flags.labels)
  const drawnOn = boxSize === undefined ? null : wholeNumber('box-size', boxSize)
  const images = await expandInputs(files)
  const rows = boxes === undefined ? null : new BoxesByImage(await readBoxes(boxes), images)
  const { written, unexplained, notes } = await writePictures(
    { ...request, items: images.map((path) => ({ image: path, path, labels })) },
    {
      folder: out,
      raw,
      shared: scale === 'shared',
      side: wholeNumber('side', flags.side),
      ...(rows === null
        ? {}
        : {
            boxes: {
              of: (image) => rows.of(image),
              scaleFor: (width, height) => (drawnOn === null ? [1, 1] : [width / drawnOn, height / drawnOn]),
            },
          }),
    },
  )
  if (flags.json) process.stdout.write(`${JSON.stringify([...written, ...unexplained], null, 2)}\n`)
  else for (const each of written) process.stdout.write(`${lineOf(each)}\n`)
  for (const note of notes) process.stderr.write(`Note: ${note}\n`)
  reportUnreadable(unexplained)
}

function lineOf({ picture, labels }: Written): string {
  const found = labels.map(({ label, probability, calibrated, threshold }) => {
    const judged = calibrated ?? probability
    return `${label} ${judged.toFixed(3)}${threshold !== null && judged >= threshold ? ' *' : ''}`
  })
  return `${picture}  ${found.join(', ')}`
}

function reportUnreadable(unreadable: readonly { image: string; reason: string }[]): void {
  if (unreadable.length === 0) return
  for (const { image, reason } of unreadable)
    process.stderr.write(`plurad: ${reason.startsWith(image) ? reason : `${image}: ${reason}`}\n`)
  process.exitCode = 1
}

async function measureBoxes(request: Request, flags: Flags): Promise<void> {
  const { boxes, boxSize, data, out } = flags
  if (boxes === undefined) throw new UsageError('explain: name images, or --boxes to measure against')
  const folder = new RunFolder(request.model)
  const own = readEnvironment(folder.environment)
  const location = data ?? own?.data
  if (location === undefined) throw new UsageError('explain: --data is needed for a model file')
  const rows = await readBoxes(boxes)
  const dataset = await openOwnOrOther(location, data === undefined ? own : null, folder, flags)
  // On the images that it was trained with, a model may point at what it remembers.
  const split = flags.split ?? (data === undefined ? 'test' : 'all')
  const samples = await chooseSamples(dataset, split, folder)
  const drawnOn = boxSize === undefined ? null : wholeNumber('box-size', boxSize)
  const found = await localise(request, samples, await modelLabels(request.model), rows, drawnOn)
  if (out !== undefined) {
    makeFolder(out)
    await writeFileAtomic(join(out, 'localisation.json'), `${JSON.stringify(found, null, 2)}\n`)
  }
  if (flags.json) process.stdout.write(`${JSON.stringify(found, null, 2)}\n`)
  else {
    const where = found.stage === null ? '' : `, stage ${found.stage}`
    process.stdout.write(
      `${dataset.name}, ${split}: ${found.boxes} boxes, ${found.method}${where}\n\n${localisationTable(found)}\n\n` +
        'pointing: share of images whose highest point lies in a box; chance: of a point at random; fixed: of the best\n' +
        'point that is the same for all images, chosen in hindsight; energy: share of all evidence that lies in the boxes\n' +
        '(by chance, as chance). Intervals allow for several images of one patient.\n',
    )
  }
  if (found.cut_away > 0)
    process.stderr.write(`${found.cut_away} box(es) lie outside of what the model sees and are left out.\n`)
  reportUnreadable(found.unreadable)
}
