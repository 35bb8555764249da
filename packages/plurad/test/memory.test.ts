/** Too little memory ends a run with a message that says what to do, and takes nothing from it. */
import { spawnSync } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fail, makeWorkplace, sets, start, type Workplace } from './cli.js'

let here: Workplace
beforeAll(async () => {
  here = await makeWorkplace()
})
afterAll(() => rmSync(here.folder, { recursive: true, force: true }))

const mayLimit = process.platform === 'linux' && spawnSync('prlimit', ['--version']).status === 0

/**
 * Address space, bytes. Node and libtorch reserve some 3 GB of it whatever they do; below that V8 ends the process
 * itself. Close above, it may be a kernel's few bytes that are missing, which oneDNN does not survive; so what is
 * asked for here is far more than what is left.
 */
const LIMIT = ['prlimit', '--as=5000000000']

describe.skipIf(!mayLimit)('memory that does not suffice (needs prlimit)', () => {
  it('is told, and the last checkpoint stays', { timeout: 120_000 }, async () => {
    const out = here.path('run')
    const changes = sets('training.epochs=50', 'training.checkpoint_seconds=1000')
    const first = start(['train', here.recipe, '--data', here.data, '--out', out, ...changes])
    await first.said('Epoch  1/50')
    first.child.kill('SIGINT')
    expect((await first.ended).code).toBe(130)

    const checkpoint = join(out, 'checkpoints/last/checkpoint.safetensors')
    const before = readFileSync(checkpoint)
    // The weights fit any size of image, so that the same run can be made to need much more.
    const recipe = join(out, 'recipe.yaml')
    const large = readFileSync(recipe, 'utf8')
      .replace('size: 32', 'size: 1024')
      .replace('batch_size: 4', 'batch_size: 16')
    writeFileSync(recipe, large)
    const said = await fail(['train', '--resume', '--out', out], { wrapper: LIMIT })
    expect(said).toMatch(/out of memory/i)
    expect(said).toMatch(/smaller batch or image size/)
    expect(readFileSync(checkpoint).equals(before)).toBe(true)
  })
})
