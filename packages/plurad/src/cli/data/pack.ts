import { join, resolve } from 'node:path'
import type { Command } from 'commander'
import { rootOf } from '../../data/pack/open.js'
import { packDataset, type PackSummary } from '../../data/pack/pack.js'
import { verifyPack } from '../../data/pack/verify.js'
import { UsageError } from '../../errors.js'
import { writeNotes } from '../notes.js'
import { bar, duration, Progress } from '../progress.js'
import { datasetOptions, openFromFlags, type DatasetFlags } from './dataset-flags.js'
import { preprocessingFrom, preprocessingOptions, type PreprocessingFlags } from './preprocessing-flags.js'

interface Flags extends DatasetFlags, PreprocessingFlags {
  recipe?: string
  out?: string
  workers?: string
  verify?: boolean
  json?: boolean
}

const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

export function register(data: Command): void {
  const command = datasetOptions(
    data
      .command('pack')
      .description('decode all images once, at the size of training, so that no epoch waits for it')
      .argument('[data]', 'a folder in a known layout, or a table; with --verify alone it may be left out'),
  ).option('--out <folder>', 'the pack to make, or to bring up to date')
  preprocessingOptions(command)
    .option('--workers <n>', 'decoding threads (default: one a processor)')
    .option(
      '--verify',
      'compare all that is in the pack with its checksums; with data, make anew what is damaged',
    )
    .option('--json', 'print the outcome as JSON')
    .addHelpText(
      'after',
      `
Run again, it decodes what is new, what has changed since and what failed before; after a stop or a full disk it goes
on where it was. Training from a pack gives the same numbers as training from the files.

Examples:
  plurad data pack ChestX-ray14 --recipe chexnet --out packs/chestx-ray14
  plurad data pack images.csv --size 320 --channels 3 --out packs/fundus-320
  plurad data pack --verify --out packs/chestx-ray14
  plurad train chexnet --data ChestX-ray14 --pack packs/chestx-ray14 --out runs/chexnet`,
    )
    .action(pack)
}

async function pack(location: string | undefined, flags: Flags): Promise<void> {
  if (flags.out === undefined)
    throw new UsageError('data pack: --out <folder> is missing: where is the pack?')
  if (location !== undefined) return packData(location, flags.out, flags)
  if (flags.verify !== true) throw new UsageError('data pack: which data set? Only --verify goes without.')
  return verify(flags.out, flags)
}

async function packData(location: string, out: string, flags: Flags): Promise<void> {
  const workers = flags.workers === undefined ? undefined : wholeNumber(flags.workers)
  const preprocessing = await preprocessingFrom('data pack', flags)
  const dataset = await openFromFlags(location, flags)
  const progress = new Progress({ quiet: flags.json ?? false })
  const abort = new AbortController()
  let asked = false
  const interrupt = (): void => {
    if (asked) process.exit(130)
    asked = true
    progress.line('Stopping after the images under way … (Ctrl-C again to stop at once)')
    abort.abort()
  }
  for (const signal of STOP_SIGNALS) process.on(signal, interrupt)
  const started = performance.now()
  const seconds = (): number => (performance.now() - started) / 1000
  try {
    const summary = await packDataset(dataset, {
      ...{ out: resolve(out), preprocessing, root: rootOf(location), workers },
      verify: flags.verify,
      signal: abort.signal,
      onProgress: (done, total) => {
        const left = duration((seconds() / done) * (total - done))
        progress.update(
          `Packing ${bar(done / total)} ${done}/${total}  ${(done / seconds()).toFixed(0)} images/s  ${left} left`,
        )
      },
    })
    progress.clear()
    await writeNotes(join(out, 'skipped.csv'), 'reason', summary.failed)
    if (flags.json) {
      process.stdout.write(
        `${JSON.stringify({ out: resolve(out), seconds: seconds(), ...summary }, null, 2)}\n`,
      )
    } else process.stdout.write(report(summary, out, seconds(), nextCommand(location, out, flags)))
    if (!summary.complete) process.exitCode = 130
  } finally {
    for (const signal of STOP_SIGNALS) process.off(signal, interrupt)
  }
}

async function verify(out: string, { json }: Flags): Promise<void> {
  const progress = new Progress({ quiet: json ?? false })
  const check = await verifyPack(resolve(out), (done, total) =>
    progress.update(`Checking ${bar(done / total)} ${done}/${total}`),
  )
  progress.clear()
  const { images, failures, damaged } = check
  if (json) process.stdout.write(`${JSON.stringify(check, null, 2)}\n`)
  else {
    process.stdout.write(
      `Images      ${images}, ${damaged.length === 0 ? 'all as they were written' : `${damaged.length} damaged`}\n` +
        (failures > 0 ? `Failures    ${failures} files could not be decoded when it was made\n` : ''),
    )
  }
  if (damaged.length === 0) return
  process.stderr.write(
    `plurad: damaged: ${damaged.slice(0, 3).join(', ')}${damaged.length > 3 ? ' …' : ''}. Training decodes these from ` +
      `their files. Make them anew with\n  plurad data pack DATA --verify --out ${out}\n`,
  )
  process.exitCode = 1
}

function report(
  { files, packed, kept, renewed, failed, bytes, complete }: PackSummary,
  out: string,
  seconds: number,
  next: string,
): string {
  const rate = seconds > 0 ? `, ${(packed / seconds).toFixed(0)} images/s` : ''
  const lines = [
    `Packed      ${packed} images in ${duration(seconds)}${rate}` +
      (renewed > 0 ? `; ${renewed} of them had changed or were damaged` : ''),
    ...(kept > 0 ? [`Kept        ${kept} that were in the pack already`] : []),
    ...(failed.length > 0
      ? [`Skipped     ${failed.length} that could not be read, listed in ${join(out, 'skipped.csv')}`]
      : []),
    `Pack        ${out}, ${(bytes / 1e6).toFixed(1)} MB`,
    complete
      ? `Next        ${next}`
      : `Stopped with ${files - packed - kept - failed.length} images to go. Run the same command again to go on.`,
  ]
  return `${lines.join('\n')}\n`
}

function nextCommand(location: string, out: string, { recipe = 'RECIPE' }: Flags): string {
  return `plurad train ${recipe} --data ${location} --pack ${out} --out RUN`
}

function wholeNumber(text: string): number {
  const value = Number(text)
  if (/^\d+$/.test(text) && value <= 256) return value
  throw new UsageError(`data pack: --workers ${text}: expected a whole number from 0 to 256`)
}
