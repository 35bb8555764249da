/** Runs with few labels from the command line: interrupted, resumed, refused. */
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { generatePhantoms } from '../src/data/phantom/index.js'
import type { Environment } from '../src/run/environment.js'
import { fail, makeWorkplace, outcomeOf, sets, start, succeed, type Workplace } from './cli.js'

let here: Workplace
beforeAll(async () => {
  here = await makeWorkplace()
})
afterAll(() => rmSync(here.folder, { recursive: true, force: true }))

const train = (out: string, ...changes: string[]): string[] => [
  ...['train', here.recipe, '--data', here.data, '--out', here.path(out)],
  ...sets('model.backbone=guita_cnn', 'training.threads=1', 'training.epochs=1', ...changes),
]

describe('SimCLR and Noisy Student with a few labels', () => {
  const changes = [
    'data.labelled=8',
    'stages=[{name: simclr, recipe: {augmentation: simclr_radiograph, training: {epochs: 3}}}, supervised, ' +
      '{name: noisy_student, iterations: 2, recipe: {augmentation: radiograph}}]',
  ]

  it('end the same when they are interrupted in the middle', { timeout: 180_000 }, async () => {
    const { stderr } = await succeed(train('whole', ...changes))
    expect(stderr).toMatch(/Labelled {4}\d+ of the training images \(\d+ patients\) keep their labels/)
    expect(stderr).toMatch(/Stage 1\/3 {3}simclr[^]*Stage 2\/3[^]*Stage 3\/3[^]*Student {5}2 of 2[^]*Kept/)
    const stopped = here.path('stopped')
    const interrupt = async (command: readonly string[], at: string): Promise<void> => {
      const { child, ended, said } = start(command)
      await said(at)
      child.kill('SIGINT')
      const result = await ended
      expect(result, result.stderr).toMatchObject({ code: 130, stdout: '' })
      expect(result.stderr).toContain(`plurad train --resume --out ${stopped}`)
    }
    const resume = ['train', '--resume', '--out', stopped]
    await interrupt(train('stopped', ...changes), 'Epoch 1/3')
    await interrupt(resume, 'Student     1 of 2')
    await succeed(resume)
    expect(outcomeOf(stopped)).toEqual(outcomeOf(here.path('whole')))
    const labelled = (run: string): string => readFileSync(`${run}/labelled.csv`, 'utf8')
    expect(labelled(stopped)).toBe(labelled(here.path('whole')))
    // The split says what was learned from: without the labels that were set aside.
    const rows = readFileSync(`${stopped}/split.csv`, 'utf8').trim().split('\n')
    const kept = labelled(stopped).trim().split('\n').length - 1
    const known = rows.filter((row) => /,train,(0|1)/.test(row))
    expect(known).toHaveLength(kept)
    expect(rows.filter((row) => /,train,,+$/.test(row)).length).toBeGreaterThan(0)
    expect(rows.filter((row) => /,(val|test),(0|1)/.test(row)).length).toBeGreaterThan(0)
  })

  it('are refused where fewer images have labels than are asked for', { timeout: 60_000 }, async () => {
    const message = await fail(train('refused', 'data.labelled=500'))
    expect(message).toMatch(/data.labelled is 500, but only \d+ training images have labels/)
  })
})

describe('transfer', () => {
  it('learns from another data set first, and knows it again', { timeout: 120_000 }, async () => {
    const source = here.path('other')
    await generatePhantoms(source, { count: 20, size: 32, seed: 5 })
    const command = train(
      'transferred',
      'stages=[{name: transfer, source: other, labels: [Mass, Effusion]}, supervised]',
    )
    const { stderr } = await succeed(command, { cwd: here.folder })
    expect(stderr).toMatch(/Source {6}other: \d+ images to train on, \d+ to validate, 2 labels/)
    expect(stderr).toMatch(/classifier rows by name: (Mass, Effusion|Effusion, Mass)/)
    const run = here.path('transferred')
    // Found again from whatever folder the run is resumed in.
    expect(readFileSync(`${run}/recipe.yaml`, 'utf8')).toContain(`source: ${source}`)
    const { sources } = JSON.parse(readFileSync(`${run}/environment.json`, 'utf8')) as Environment
    expect(Object.keys(sources ?? {})).toEqual([source])

    rmSync(`${source}/images/${readdirSync(`${source}/images`)[0]}`)
    const message = await fail(['train', '--resume', '--out', run])
    expect(message).toContain(`${source} is not what this run was started on`)
  })
})
