/** A disk that is full or read-only stops a run without taking anything from it. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { expectWhole, fail, makeWorkplace, outcomeOf, sets, succeed, type Workplace } from './cli.js'

let here: Workplace
let disk: string
let mounted = false

beforeAll(async () => {
  here = await makeWorkplace()
  disk = here.path('disk')
  mkdirSync(disk)
})
afterAll(() => {
  if (mounted) spawnSync('umount', [disk])
  rmSync(here.folder, { recursive: true, force: true })
})

const mount = (...options: string[]): boolean =>
  spawnSync('mount', ['-t', 'tmpfs', '-o', options.join(), 'tmpfs', disk]).status === 0

/** Only root may mount, and in some containers not even root. */
function mayMount(): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false
  return spawnSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt']).status === 0
}

describe.skipIf(!mayMount())('a run folder on a small disk (needs root, for tmpfs)', () => {
  const run = (): string => join(disk, 'run')
  const last = (): string => join(run(), 'checkpoints/last/checkpoint.safetensors')
  const train = (out: string, ...changes: string[]): string[] => [
    'train',
    here.recipe,
    '--data',
    here.data,
    '--out',
    out,
    ...sets(...changes),
  ]

  it(
    'that fills up keeps its last checkpoint, and goes on once there is room',
    { timeout: 120_000 },
    async () => {
      await succeed(train(here.path('whole')))
      // Room for one checkpoint, not for the next one beside it.
      mounted = mount('size=150m')
      expect(mounted).toBe(true)
      const said = await fail(train(run()))
      expect(said).toContain('checkpoint.safetensors')
      expect(said).toContain('the disk is full (ENOSPC)')
      expect(said).toContain('--resume')
      expectWhole(last())
      expect(readdirSync(join(run(), 'checkpoints/last'))).toEqual(['checkpoint.safetensors'])
      expect(existsSync(join(run(), 'run.lock'))).toBe(false)

      expect(await fail(['train', '--resume', '--out', run()])).toContain('ENOSPC')
      expectWhole(last())

      mount('remount', 'size=400m')
      await succeed(['train', '--resume', '--out', run()])
      expect(outcomeOf(run())).toEqual(outcomeOf(here.path('whole')))
    },
  )

  it('that has no room at all says so, and can be started again', { timeout: 60_000 }, async () => {
    mount('remount', 'size=400m')
    const filler = join(disk, 'filler')
    spawnSync('fallocate', ['-l', '1g', filler])
    spawnSync('dd', ['if=/dev/zero', `of=${filler}`, 'bs=1M'])
    expect(await fail(train(join(disk, 'second')))).toContain('ENOSPC')
    rmSync(filler)
    await succeed(train(join(disk, 'second'), 'training.epochs=1'))
  })

  it('that is read-only says so and changes nothing', { timeout: 60_000 }, async () => {
    mount('remount', 'ro')
    try {
      for (const args of [['train', '--resume', '--out', run()], train(join(disk, 'new'))]) {
        expect(await fail(args)).toContain('read-only (EROFS); choose another folder')
      }
      const out = join(disk, 'results')
      expect(await fail(['evaluate', run(), '--split', 'test', '--out', out])).toContain('EROFS')
    } finally {
      mount('remount', 'rw')
    }
    expect(outcomeOf(run())).toEqual(outcomeOf(here.path('whole')))
  })
})
