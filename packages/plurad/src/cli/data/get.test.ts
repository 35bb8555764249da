import { Command } from 'commander'
import { describe, expect, it } from 'vitest'
import { sourceNamed, type GotFile } from '../../data/get/get.js'
import { UsageError } from '../../errors.js'
import { outcome, register } from './get.js'

const file = (changes: Partial<GotFile> = {}): GotFile => ({
  name: 'chestmnist_64.npz',
  status: 'fetched',
  bytes: 280e6,
  sha256: 'a'.repeat(64),
  checked: true,
  unpacked: null,
  ...changes,
})

describe('the outcome of data get', () => {
  it('says what is there and what to type next', () => {
    expect(outcome(sourceNamed('chestmnist_64'), 'data', [file()])).toBe(
      'ChestMNIST, 64 x 64 is in data\n  chestmnist_64.npz: 280 MB, checksum right\n\n' +
        'Next        plurad train chexnet --data data/chestmnist_64.npz --set data.size=64 --out runs/chestmnist_64\n',
    )
  })

  it('shows the SHA-256 where nothing was there to compare it with', () => {
    expect(outcome(sourceNamed('chestmnist'), "d'x", [file({ checked: false })])).toMatch(
      /SHA-256 a{64}, nothing to compare it with[^]*--data 'd'\\''x\/chestmnist.npz' --set data.size=32 /,
    )
  })

  it('is short for a set of many files', () => {
    const nih = sourceNamed('nih-chestxray14')
    const files = nih.files.map(({ name, unpack }, i) =>
      file({ name, status: i < 4 ? 'there' : 'fetched', unpacked: unpack ? 9000 : null }),
    )
    const text = outcome(nih, 'ChestX-ray14', files)
    expect(text.split('\n')).toHaveLength(11)
    expect(text).toContain('  images_001.tar.gz: 280 MB, 9000 files, checksum right\n')
    expect(text).toContain('  and 10 more\n')
    expect(text).toMatch(/--data ChestX-ray14 --out runs\/nih-chestxray14\n$/)
    const again = outcome(
      nih,
      'ChestX-ray14',
      files.map((each) => ({ ...each, status: 'there' as const })),
    )
    expect(again).toContain('is in ChestX-ray14\n  all 16 files there already\n')
  })

  it('asks for colour where images have it', () => {
    expect(outcome(sourceNamed('bloodmnist_224'), '.', [])).toContain(
      '--set data.size=224 --set data.channels=3',
    )
  })
})

describe('data get', () => {
  const run = (args: readonly string[]) => {
    const program = new Command()
    register(program.command('data'))
    return program.parseAsync(['data', 'get', ...args], { from: 'user' })
  }

  it.each([
    [[], /which data set\?/],
    [['chestminst', '--out', 'x', '--yes'], /Did you mean "chestmnist"\?/],
    [['chestmnist', '--yes'], /--out <folder> is missing/],
    [['chestmnist', '--out', 'x', '--json'], /comes under CC BY 4.0 .* Pass --yes to accept it/],
    [['nih-chestxray14', '--out', 'x', '--yes', '--archives', '0'], /--archives 0: expected a whole number/],
  ])('refuses %j', async (args, message) => {
    await expect(run(args)).rejects.toThrow(message)
    await expect(run(args)).rejects.toThrow(UsageError)
  })
})
