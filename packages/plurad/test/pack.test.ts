/** Packs through the command line: the same numbers, and nothing half written, whatever happens to them. */
import { spawnSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fail, makeWorkplace, outcomeOf, plurad, sets, start, succeed, type Workplace } from './cli.js'

let here: Workplace
beforeAll(async () => {
  here = await makeWorkplace()
})
afterAll(() => rmSync(here.folder, { recursive: true, force: true }))

const pack = (out: string, ...args: string[]): string[] => [
  'data',
  'pack',
  here.data,
  '--recipe',
  here.recipe,
  '--out',
  here.path(out),
  ...args,
]
const train = (out: string, ...args: string[]): string[] => [
  'train',
  here.recipe,
  '--data',
  here.data,
  '--out',
  here.path(out),
  ...args,
]

describe('plurad train --pack', () => {
  it('gives the same numbers and weights as from the files', { timeout: 120_000 }, async () => {
    const { stdout } = await succeed(pack('cache'))
    expect(stdout).toMatch(/Packed {6}24 images/)
    expect(stdout).toContain(`plurad train ${here.recipe} --data ${here.data} --pack ${here.path('cache')}`)
    await succeed(
      train('files', ...sets('training.epochs=1', 'augmentation=[{name: random_shift, pixels: 2}]')),
    )
    for (const workers of [0, 2]) {
      const out = `packed-${workers}`
      const changes = sets(
        'training.epochs=1',
        'augmentation=[{name: random_shift, pixels: 2}]',
        `data.workers=${workers}`,
        'data.cache_mb=0',
      )
      const { stderr } = await succeed(train(out, '--pack', here.path('cache'), ...changes))
      expect(stderr).toContain(`Pack        all 24 image files are in ${here.path('cache')}`)
      expect(outcomeOf(here.path(out))).toEqual(outcomeOf(here.path('files')))
    }
  })

  it('can be stopped, and go on with another pack or none', { timeout: 120_000 }, async () => {
    const changes = sets(
      'training.epochs=1',
      'augmentation=[{name: random_shift, pixels: 2}]',
      'training.checkpoint_seconds=1000',
    )
    const { child, ended, said } = start(train('stopped', '--pack', here.path('cache'), ...changes))
    await said('Epoch 1/1')
    child.kill('SIGINT')
    expect((await ended).code).toBe(130)
    // The recipe's pack is gone.
    cpSync(here.path('cache'), here.path('cache-2'), { recursive: true })
    rmSync(here.path('cache'), { recursive: true })
    expect(await fail(['train', '--resume', '--out', here.path('stopped')])).toContain('holds no pack')
    await succeed(['train', '--resume', '--no-pack', '--out', here.path('stopped')])
    expect(outcomeOf(here.path('stopped'))).toEqual(outcomeOf(here.path('files')))
  })

  it('refuses a pack that does not fit, before anything is made', { timeout: 60_000 }, async () => {
    const out = here.path('refused')
    const other = [...train('refused', '--pack', here.path('cache-2')), ...sets('data.size=64')]
    expect(await fail(other)).toContain('size is 32, expected 64')
    expect(await fail(train('refused', '--pack', here.data))).toContain('holds no pack')
    expect(existsSync(out)).toBe(false)
    const strange = await makeWorkplace()
    const elsewhere = [
      'train',
      here.recipe,
      '--data',
      strange.data,
      '--out',
      out,
      '--pack',
      here.path('cache-2'),
    ]
    // Its files have the same names, but are others.
    const { stderr } = await succeed(elsewhere)
    expect(stderr).toContain('24 image files were decoded again (24 changed since they were packed)')
    rmSync(strange.folder, { recursive: true })
  })
})

describe('plurad data pack', () => {
  it(
    'killed again and again leaves nothing half written, and ends the same',
    { timeout: 180_000 },
    async () => {
      // Some 30 images a write to the disk.
      const size = ['--size', '1024', '--json']
      const whole = await succeed(pack('whole', ...size))
      expect(JSON.parse(whole.stdout)).toMatchObject({ files: 24, packed: 24, failed: [], complete: true })
      let killed = 0
      for (const delay of [500, 900, 1200, 1500, 1800, 2200]) {
        const { child, ended } = start(pack('killed', ...size))
        const [result] = await Promise.all([ended, sleep(delay).then(() => child.kill('SIGKILL'))])
        if (result.signal === 'SIGKILL') killed++
        if (!existsSync(join(here.path('killed'), 'pack.json'))) continue
        const check = await succeed(['data', 'pack', '--verify', '--json', '--out', here.path('killed')])
        expect(JSON.parse(check.stdout)).toMatchObject({ failures: 0, damaged: [] })
      }
      expect(killed).toBeGreaterThan(1)
      await succeed(pack('killed', ...size))
      expect(
        readFileSync(here.path('killed/pixels.u16')).equals(readFileSync(here.path('whole/pixels.u16'))),
      ).toBe(true)
      expect(readdirSync(here.path('killed'))).toEqual(readdirSync(here.path('whole')))
      for (const out of ['killed', 'whole']) rmSync(here.path(out), { recursive: true })
    },
  )

  it('interrupted says how to go on', { timeout: 60_000 }, async () => {
    const { child, ended } = start(pack('interrupted', '--size', '1024', '--workers', '0'))
    while (!existsSync(here.path('interrupted/pack.lock'))) await sleep(20)
    child.kill('SIGINT')
    const result = await ended
    expect(result, result.stderr).toMatchObject({ code: 130 })
    expect(result.stdout).toMatch(/Stopped with \d+ images to go. Run the same command again to go on./)
    expect(existsSync(here.path('interrupted/pack.lock'))).toBe(false)
    rmSync(here.path('interrupted'), { recursive: true })
  })

  it('finds and mends damage, and lists what cannot be read', { timeout: 60_000 }, async () => {
    const data = here.path('with-damage')
    cpSync(here.data, data, { recursive: true })
    const images = readdirSync(join(data, 'images')).sort()
    writeFileSync(join(data, 'images', images[5]), 'not an image')
    const command = ['data', 'pack', data, '--size', '32', '--out', here.path('mended')]
    expect((await succeed(command)).stdout).toMatch(
      /Packed {6}23 .*\nSkipped {5}1 that could not be read, listed in/,
    )
    expect(readFileSync(here.path('mended/skipped.csv'), 'utf8')).toContain(images[5])
    const file = here.path('mended/pixels.u16')
    const bytes = readFileSync(file)
    bytes[0] ^= 1
    writeFileSync(file, bytes)
    const check = ['data', 'pack', '--verify', '--out', here.path('mended')]
    const found = await plurad(check)
    expect(found).toMatchObject({ code: 1, stdout: expect.stringContaining('23, 1 damaged') as string })
    expect(found.stderr).toContain(`damaged: images/${images[0]}`)
    expect((await succeed([...command, '--verify'])).stdout).toContain(
      '1 of them had changed or were damaged',
    )
    await succeed(check)
  })

  it('says what is wrong with its arguments', { timeout: 60_000 }, async () => {
    expect(await fail(['data', 'pack', here.data], { code: 2 })).toContain('--out <folder> is missing')
    expect(await fail(['data', 'pack', '--out', here.path('x')], { code: 2 })).toContain('which data set?')
    expect(await fail(pack('x', '--resize', 'squeeze'), { code: 2 })).toMatch(
      /--resize: .*"stretch".*"squeeze"/,
    )
    expect(await fail(pack('x', '--workers', 'many'), { code: 2 })).toContain('--workers many')
  })
})

/** Only root may mount, and in some containers not even root. */
function mayMount(): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false
  return spawnSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt']).status === 0
}

describe.skipIf(!mayMount())('a pack on a small disk (needs root, for tmpfs)', () => {
  it(
    'is refused beforehand, or keeps what was written when others fill the disk',
    { timeout: 120_000 },
    async () => {
      const disk = here.path('disk')
      mkdirSync(disk)
      spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=40m', 'tmpfs', disk])
      try {
        // 24 of 2 MB each.
        const command = pack('disk/cache', '--size', '1024', '--workers', '0')
        expect(await fail(command)).toContain('the pack needs 0.05 GB more, but the disk has 0.04 GB free')
        spawnSync('mount', ['-o', 'remount,size=60m', disk])
        const running = start(command)
        // What is free is looked at before the first pixels are written.
        const written = (): number =>
          statSync(join(disk, 'cache/pixels.u16'), { throwIfNoEntry: false })?.size ?? 0
        while (written() === 0) await sleep(5)
        spawnSync('dd', ['if=/dev/zero', `of=${join(disk, 'filler')}`, 'bs=1M', 'count=30'])
        const { code, stderr } = await running.ended
        expect(code, stderr).toBe(1)
        expect(stderr).toContain('the disk is full (ENOSPC)')
        expect(stderr).toContain('run the same command again to go on')
        await succeed(['data', 'pack', '--verify', '--out', join(disk, 'cache')])
        rmSync(join(disk, 'filler'))
        await succeed(command)
        expect(statSync(join(disk, 'cache/pixels.u16')).size).toBe(24 * 2 * 1024 * 1024)
      } finally {
        spawnSync('umount', [disk])
      }
    },
  )
})
