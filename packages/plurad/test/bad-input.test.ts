/** What users get wrong, or what befalls their files: one clear message, exit code 1, and nothing lost. */
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  expectWhole,
  fail,
  makeWorkplace,
  outcomeOf,
  plurad,
  sets,
  start,
  succeed,
  type Workplace,
} from './cli.js'

let here: Workplace
let images: string[]
/** A finished run of one epoch. */
let run: string

beforeAll(async () => {
  here = await makeWorkplace()
  images = readdirSync(join(here.data, 'images')).sort()
  run = here.path('run')
  await succeed(train(here.data, run, 'training.epochs=1'))
}, 60_000)
afterAll(() => rmSync(here.folder, { recursive: true, force: true }))

const train = (data: string, out: string, ...changes: string[]): string[] => [
  'train',
  here.recipe,
  '--data',
  data,
  '--out',
  out,
  ...sets(...changes),
]

const unused = (): string => here.path('never-made')

/** A table beside its own copies of the images. `row` gives the cells of an image, or null to leave it out. */
function makeTable(name: string, header: string, row: (image: string, i: number) => string | null): string {
  const folder = here.path(name)
  cpSync(join(here.data, 'images'), join(folder, 'images'), { recursive: true })
  const rows = images.map(row).filter((cells) => cells !== null)
  writeFileSync(join(folder, 'table.csv'), `${[header, ...rows].join('\n')}\n`)
  return join(folder, 'table.csv')
}

const bit = (value: boolean): string => (value ? '1' : '0')
const plainRow = (image: string, i: number): string =>
  `${image},p${i},${bit(i % 2 === 0)},${bit(i % 3 === 0)}`
const PLAIN = 'image,patient,Mass,Nodule'

describe('a data set', () => {
  it(
    'with a missing and a cut-off image is used without them, and says so',
    { timeout: 60_000 },
    async () => {
      const table = makeTable('damaged', PLAIN, plainRow)
      const file = (i: number): string => join(here.path('damaged'), 'images', images[i])
      rmSync(file(3))
      truncateSync(file(5), 300)
      writeFileSync(file(7), '')
      const out = here.path('damaged-run')
      const { stdout } = await succeed(train(table, out, 'training.epochs=1', 'data.workers=2'))
      expect(stdout).toContain(`Skipped     3 image(s), listed in ${out}/skipped.csv`)
      const skipped = readFileSync(join(out, 'skipped.csv'), 'utf8')
      expect(skipped).toMatch(new RegExp(`^${images[3]},.*no such file`, 'm'))
      for (const i of [5, 7]) expect(skipped).toContain(images[i])
      expect(skipped.trim().split('\n')).toHaveLength(4)

      // Resumed after training, when the damaged images are not looked at again, they are still listed.
      await succeed(['train', '--resume', '--out', out])
      expect(readFileSync(join(out, 'skipped.csv'), 'utf8')).toBe(skipped)

      const strict = here.path('strict-run')
      expect(await fail([...train(table, strict), '--strict'])).toContain(images[3])
      writeFileSync(file(3), readFileSync(file(4)))
      expect(await fail([...train(table, strict), '--strict'])).toMatch(
        new RegExp(`${images[5]}|${images[7]}`),
      )
    },
  )

  it('of which no image can be read is refused', { timeout: 60_000 }, async () => {
    const table = makeTable('rubbish', PLAIN, plainRow)
    for (const image of images) writeFileSync(join(here.path('rubbish'), 'images', image), 'not an image')
    expect(await fail(train(table, here.path('rubbish-run')))).toMatch(
      /None of the \d+ training images could be read; the first reason: .*not an image/,
    )
  })

  it('with a wrong table is refused, naming row and column', { timeout: 60_000 }, async () => {
    const cases: [string, string, (image: string, i: number) => string | null, RegExp][] = [
      ['no-image', 'picture,patient,Mass,Nodule', plainRow, /no image column.*"picture"/],
      [
        'value',
        PLAIN,
        (image, i) => (i === 4 ? `${image},p,maybe,0` : plainRow(image, i)),
        /row 6, column "Mass".*"maybe".*Expected 1 \(present\), 0 \(absent\)/,
      ],
      ['twice', PLAIN, (_, i) => plainRow(images[Math.max(1, i)], i), /row 3.*also stands in row 2/],
      ['short', PLAIN, (image, i) => (i === 2 ? image : plainRow(image, i)), /row 4: 1 cells.*header has 4/],
      [
        'split',
        `${PLAIN},split`,
        (image, i) => `${plainRow(image, i)},${i === 3 ? 'tran' : 'train'}`,
        /row 5, column "split".*"tran".*Expected train, val or test.*"train"/,
      ],
      [
        'empty-split',
        `${PLAIN},split`,
        (image, i) => `${plainRow(image, i)},${i % 2 ? 'train' : 'test'}`,
        /The val split is empty/,
      ],
    ]
    for (const [name, header, row, message] of cases) {
      const changes = name === 'empty-split' ? ['data.split.train=0.8', 'data.split.val=0'] : []
      expect(await fail(train(makeTable(name, header, row), unused(), ...changes)), name).toMatch(message)
    }
    expect(await fail(train(here.path('nowhere'), unused()))).toContain('no such file or folder')
    expect(existsSync(unused())).toBe(false)
  })

  it('with a patient in two splits is refused unless that is asked for', { timeout: 60_000 }, async () => {
    const table = makeTable('leak', `${PLAIN},split`, (image, i) => {
      const patient = i < 2 ? 'shared' : `p${i}`
      return `${image},${patient},${bit(i % 2 === 0)},1,${['train', 'val', 'test', 'train'][i % 4]}`
    })
    const out = here.path('leak-run')
    expect(await fail(train(table, out))).toMatch(/shared \(train and val\).*--allow-leakage/)
    await succeed([...train(table, out, 'training.epochs=1'), '--allow-leakage'])
  })

  it('that lacks a label of the recipe is refused, with the label that was meant', async () => {
    expect(await fail(train(here.data, unused(), 'data.labels=[Mass, Nodul]'))).toMatch(
      /no image of .* has 'Nodul'\. Did you mean "Nodule"/,
    )
    expect(await fail(train(here.data, unused(), 'data.labels=[Mass, Mass]'))).toContain("'Mass' twice")
  })
})

describe('a recipe', () => {
  it.each([
    ['training.epoch=3', /training\.epoch: there is no such key\. Did you mean "epochs"/],
    ['training.epochs=many', /training\.epochs: .*expected number/],
    ['training.epochs=[1', /--set training\.epochs=\[1: .*not a YAML value/],
    ['training.epochs', /expected key=value/],
    ['training.threads=100000', /training\.threads/],
    ['model.backbone=densnet121', /no backbone 'densnet121', did you mean 'densenet121'/],
    ['model.head=liner', /no head 'liner', did you mean 'linear'/],
    ['loss.name=bcee', /no loss 'bcee', did you mean 'bce'/],
    ['data.split.train=0.9', /data\.split: train, val and test add up to 1\.2, expected 1/],
    ['training.device=tpu', /expected auto, cpu, cuda or cuda:N/],
    ['model.weights=nowhere.safetensors', /no file \S+nowhere\.safetensors and no known checkpoint/],
    ['model.weights=torchvision/densenet12', /no file .*Did you mean "torchvision\/densenet121"/],
    ['model.freeze=9', /model\.freeze=9: the backbone densenet121 has 4 stages/],
    ['model.label_vectors=word3vec', /model\.label_vectors/],
  ])('with %s is refused', async (change, message) => {
    const out = here.path(`recipe-${change.replaceAll(/\W/g, '-')}`)
    expect(await fail(train(here.data, out, change))).toMatch(message)
  })

  it('that is not there is refused, with the name that was meant', async () => {
    expect(await fail(['train', 'chexnt', '--data', here.data, '--out', unused()])).toMatch(/"chexnet"/)
    writeFileSync(here.path('broken.yaml'), 'name: [')
    expect(await fail(['train', here.path('broken.yaml'), '--data', here.data, '--out', unused()])).toMatch(
      /broken\.yaml is not YAML/,
    )
  })

  it('is found by name also beside a folder of that name', async () => {
    mkdirSync(here.path('elsewhere/demo'), { recursive: true })
    const said = await fail(['train', 'demo', '--data', 'nowhere', '--out', unused()], {
      cwd: here.path('elsewhere'),
    })
    expect(said).toContain('nowhere: no such file or folder')
  })
})

describe('training that runs away', () => {
  it('keeps the batch and the last checkpoint', { timeout: 60_000 }, async () => {
    const out = here.path('nan-run')
    const said = await fail(
      train(here.data, out, 'training.optimizer.learning_rate=1e12', 'training.epochs=9'),
    )
    expect(said).toMatch(/The loss became (NaN|-?Infinity) in epoch \d+, batch \d+/)
    expect(said).toMatch(/learning_rate.*last checkpoint of this one is untouched/)
    const failed = join(out, 'failed-batch')
    expect(readFileSync(join(failed, 'images.txt'), 'utf8').trim().split('\n').length).toBeGreaterThan(0)
    expectWhole(join(failed, 'batch.safetensors'))
    expectWhole(join(out, 'checkpoints/last/checkpoint.safetensors'))
  })

  it('only between two epochs is noticed, too', { timeout: 60_000 }, async () => {
    const out = here.path('nan-at-end')
    const changes = ['training.optimizer.learning_rate=1e30', 'training.batch_size=24', 'training.epochs=1']
    expect(await fail(train(here.data, out, ...changes))).toMatch(
      /not numbers at the end of epoch 1|The loss became/,
    )
    expect(existsSync(join(out, 'metrics.json'))).toBe(false)
  })

  it('is not brought about by a last batch of one small image', { timeout: 60_000 }, async () => {
    const table = makeTable('one-left', `${PLAIN},split`, (image, i) => {
      return `${plainRow(image, i)},${i < 5 ? 'train' : i < 14 ? 'val' : 'test'}`
    })
    await succeed(train(table, here.path('one-left-run'), 'data.size=48', 'training.epochs=1'))
  })

  it('is not thought of where every batch is one small image', { timeout: 60_000 }, async () => {
    expect(await fail(train(here.data, here.path('ones'), 'training.batch_size=1'))).toMatch(
      /single image.*training\.batch_size of 2/,
    )
  })
})

describe('a run folder', () => {
  it('that holds something else is left alone', async () => {
    for (const name of ['split.csv', 'checkpoints/last/thesis.tex']) {
      const folder = here.path(`theirs-${basename(name)}`)
      mkdirSync(join(folder, 'checkpoints/last'), { recursive: true })
      writeFileSync(join(folder, name), 'precious')
      writeFileSync(join(folder, 'notes.txt'), 'precious')
      expect(await fail(train(here.data, folder))).toMatch(/not empty and holds no run \(it has .*notes\.txt/)
      expect(readFileSync(join(folder, name), 'utf8')).toBe('precious')
      expect(existsSync(join(folder, 'predictions'))).toBe(false)
    }
    expect(await fail(train(here.data, here.recipe))).toContain('is a file, not a folder')
    expect(await fail(train(here.data, join(here.recipe, 'below')))).toContain('ENOTDIR')
  })

  it('that has a run in it is not used for another one', async () => {
    const before = outcomeOf(run)
    expect(await fail(train(here.data, run))).toMatch(/already holds a run.*--resume.*another --out/)
    expect(await fail(['train', '--resume', '--out', run, ...sets('training.epochs=5')])).toContain(
      '--set cannot change a run that is resumed',
    )
    expect(await fail([...train(here.data, run, 'training.batch_size=2'), '--resume'])).toMatch(
      /other values of training\.(epochs|batch_size).*Resume it without a recipe/,
    )
    expect(outcomeOf(run)).toEqual(before)
  })

  it('without a run cannot be resumed', async () => {
    for (const folder of [here.data, here.path('nowhere')])
      expect(await fail(['train', '--resume', '--out', folder])).toContain('holds no run to resume')
  })

  it('cannot be resumed on other data', async () => {
    const changed = here.path('changed')
    cpSync(here.data, changed, { recursive: true })
    rmSync(join(changed, 'images', images[0]))
    expect(await fail(['train', '--resume', '--out', run, '--data', changed])).toMatch(
      /is not what this run was started on.*new run/,
    )
  })

  it('is for one training at a time', { timeout: 60_000 }, async () => {
    const out = here.path('contested')
    const first = start(train(here.data, out, 'training.epochs=50'))
    await first.said('Model')
    for (const args of [train(here.data, out), ['train', '--resume', '--out', out]]) {
      expect(await fail(args)).toMatch(/already holds a run|being written to by another process/)
    }
    first.child.kill('SIGKILL')
    await first.ended
    const second = start(['train', '--resume', '--out', out])
    await second.said('Model')
    second.child.kill('SIGINT')
    expect(await second.ended).toMatchObject({ code: 130 })
  })

  it('with two trainings begun at the same moment belongs to one of them', { timeout: 60_000 }, async () => {
    const out = here.path('raced')
    const results = await Promise.all([1, 2].map(() => plurad(train(here.data, out, 'training.epochs=1'))))
    expect(results.map(({ code }) => code).sort()).toEqual([0, 1])
    expect(results.find(({ code }) => code === 1)?.stderr).toMatch(
      /another (process|run)|already holds a run/,
    )
  })

  it('with a damaged checkpoint or environment says what to do', { timeout: 60_000 }, async () => {
    const out = here.path('broken-run')
    const last = join(out, 'checkpoints/last/checkpoint.safetensors')
    const resume = ['train', '--resume', '--out', out]
    cpSync(run, out, { recursive: true })
    const whole = readFileSync(last)
    const damages: (() => void)[] = [
      () => truncateSync(last, 1_000_000),
      () => writeFileSync(last, ''),
      () => copyFileSync(join(run, 'model.safetensors'), last),
      () =>
        writeFileSync(
          last,
          Buffer.from(whole.toString('latin1').replace('"progress":"{', '"progress":"['), 'latin1'),
        ),
    ]
    for (const damage of damages) {
      writeFileSync(last, whole)
      damage()
      expect(await fail(resume)).toMatch(/checkpoint\.safetensors is .*delete it to start this run from its/s)
    }
    rmSync(join(out, 'checkpoints/best/model.safetensors'))
    writeFileSync(last, whole)
    expect(await fail(resume)).toMatch(/best.model\.safetensors cannot be read/)
    writeFileSync(join(out, 'environment.json'), '{')
    expect(await fail([...resume, '--data', here.data])).toMatch(/environment\.json is missing or damaged/)
  })
})

describe('predict', () => {
  const image = (): string => join(here.data, 'images', images[0])

  it('refuses files that are not there and models that are none', { timeout: 60_000 }, async () => {
    const copy = here.path('copy.safetensors')
    const model = join(run, 'model.safetensors')
    expect(await fail(['predict', run, here.path('nowhere.png')])).toContain('no file or folder')
    expect(await fail(['predict', here.path('nowhere'), image()])).toMatch(
      /neither a model file .* nor a run/,
    )
    expect(await fail(['predict', here.recipe, image()])).toMatch(/neither a model file .* nor a run/)
    copyFileSync(join(run, 'checkpoints/best/model.safetensors'), copy)
    expect(await fail(['predict', copy, image()])).toMatch(/no description of its labels/)
    copyFileSync(model, copy)
    for (const length of [5_000_000, 5000, 4, 0]) {
      truncateSync(copy, length)
      expect(await fail(['predict', copy, image()])).toContain('copy.safetensors is not a whole safetensors')
    }
  })

  it('refuses wrong options as wrong usage', async () => {
    for (const options of [
      ['--device', 'tpu'],
      ['--threads', '0'],
      ['--threads', '1000000'],
      ['--thread', '1'],
    ])
      expect(await fail(['predict', run, image(), ...options], { code: 2 })).toContain(options[0])
  })

  it('gives what can be read and names what cannot', async () => {
    const { code, stdout, stderr } = await plurad(['predict', run, image(), here.recipe, '--csv'])
    expect(code).toBe(1)
    expect(stdout.trim().split('\n')).toHaveLength(2)
    expect(stderr).toMatch(/tiny\.yaml: not an image we can read/)
    expect(stderr).toContain('1 of 2 images could not be read.')
  })
})

describe('evaluate', () => {
  it('refuses data without a label of the model, and folders that cannot be made', async () => {
    const table = makeTable(
      'foreign',
      'image,patient,Fracture',
      (image, i) => `${image},p${i},${bit(i % 2 === 0)}`,
    )
    expect(await fail(['evaluate', run, '--data', table])).toMatch(
      /none of the model's labels.*Mass.*Fracture/,
    )
    expect(await fail(['evaluate', run, '--data', table, '--split', 'test'])).toMatch(/none of|not in it/)
    expect(await fail(['evaluate', run, '--out', here.recipe])).toMatch(/tiny\.yaml cannot be made/)
    expect(await fail(['evaluate', join(run, 'model.safetensors')], { code: 2 })).toContain(
      '--data is needed',
    )
    expect(await fail(['evaluate', run, '--split', 'tests'], { code: 2 })).toContain('expected one of')
  })
})
