import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline/promises'
import type { Command } from 'commander'
import { getDataset, sourceNamed, type GotFile } from '../../data/get/get.js'
import { sources, type Source } from '../../data/get/sources.js'
import { formatBytes } from '../../disk-space.js'
import { PluradError, UsageError } from '../../errors.js'
import { Progress } from '../progress.js'
import { shellWord } from '../shell-word.js'
import { formatTable } from '../table.js'
import { wrapped } from '../wrap.js'
import { transferText, TransferRate } from '../transfer.js'

interface Flags {
  out?: string
  list?: boolean
  yes?: boolean
  baseUrl?: string
  archives?: string
  keepArchives?: boolean
  json?: boolean
}

export function register(data: Command): void {
  data
    .command('get')
    .description('download a public data set: checked, and continued where it broke off')
    .argument('[name]', 'such as chestmnist_64; see --list')
    .option('--out <folder>', 'where to put it')
    .option('--list', 'list the data sets there are')
    .option('-y, --yes', 'accept the licence without being asked')
    .option('--archives <n>', 'of a set in several archives, the first n')
    .option('--keep-archives', 'keep archives after unpacking')
    .option(
      '--base-url <url>',
      'a mirror: a folder that has the files under their names (or PLURAD_DATA_MIRROR)',
    )
    .option('--json', 'print the outcome as JSON')
    .addHelpText(
      'after',
      `
Files are compared with the checksums of their publisher, or with those of an earlier download. What is there already
is checked and kept; after a break or Ctrl-C the same command goes on. A file that you got another way is taken when it
lies in --out under its name.

Examples:
  plurad data get --list
  plurad data get chestmnist_64 --out data
  plurad data get nih-chestxray14 --out ChestX-ray14 --archives 1 --yes`,
    )
    .action(get)
}

async function get(name: string | undefined, flags: Flags): Promise<void> {
  if (flags.list) {
    process.stdout.write(flags.json ? `${JSON.stringify(sources, null, 2)}\n` : list())
    return
  }
  if (name === undefined)
    throw new UsageError('data get: which data set? plurad data get --list shows those there are.')
  const source = sourceNamed(name)
  if (flags.out === undefined)
    throw new UsageError('data get: --out <folder> is missing: where should it go?')
  const archives = flags.archives === undefined ? undefined : wholeNumber(flags.archives)
  await accept(source, flags)

  const abort = new AbortController()
  const interrupt = (): void => abort.abort(new Error('stopped'))
  for (const signal of STOP_SIGNALS) process.once(signal, interrupt)
  const progress = new Progress({ quiet: flags.json ?? false })
  let files: GotFile[]
  try {
    files = await getDataset(source, flags.out, {
      mirror: flags.baseUrl ?? (process.env['PLURAD_DATA_MIRROR'] || undefined),
      archives,
      keepArchives: flags.keepArchives ?? false,
      signal: abort.signal,
      ...reporter(progress),
    })
    progress.clear()
  } catch (error) {
    progress.clear()
    if (!abort.signal.aborted) throw error
    process.stderr.write(`Stopped. What has arrived is kept; the same command goes on from there.\n`)
    process.exitCode = 130
    return
  } finally {
    for (const signal of STOP_SIGNALS) process.off(signal, interrupt)
  }
  const done = { name: source.name, folder: resolve(flags.out), files, next: nextCommand(source, flags.out) }
  process.stdout.write(flags.json ? `${JSON.stringify(done, null, 2)}\n` : outcome(source, flags.out, files))
}

const INDENT = ' '.repeat(12)

const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

function wholeNumber(text: string): number {
  const value = Number(text)
  if (/^\d+$/.test(text) && value >= 1) return value
  throw new UsageError(`data get: --archives ${text}: expected a whole number from 1 on`)
}

/** The terms are shown before anything is fetched, and somebody has to say yes. */
async function accept(
  { title, description, images, licence, citations, homepage, atMost, files }: Source,
  flags: Flags,
): Promise<void> {
  if (flags.json !== true) {
    const exact = files.every(({ bytes }) => bytes !== null)
    const lines = [
      ...wrapped(`${title}: ${images.toLocaleString('en')} ${description}`, INDENT),
      ...wrapped(`${exact ? '' : 'at most '}${formatBytes(atMost)}`, INDENT, 'Size        '),
      ...wrapped(homepage, INDENT, 'Source      '),
      ...wrapped(`${licence.name}: ${licence.terms} ${licence.url}`, INDENT, 'Licence     '),
      ...citations.flatMap((citation, i) => wrapped(citation, INDENT, i === 0 ? 'Cite        ' : INDENT)),
    ]
    process.stderr.write(`${lines.join('\n')}\n`)
  }
  if (flags.yes === true) return
  if (flags.json === true || !process.stdin.isTTY)
    throw new UsageError(
      `data get: ${title} comes under ${licence.name} (${licence.url}). Pass --yes to accept it.`,
    )
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  const answer = await terminal.question('Do you accept the licence? [y/N] ')
  terminal.close()
  if (!/^y(es)?$/i.test(answer.trim())) throw new PluradError('Not accepted: nothing was downloaded.')
}

function reporter(
  progress: Progress,
): Pick<Parameters<typeof getDataset>[2] & object, 'onFile' | 'onProgress' | 'onRetry'> {
  let rate = new TransferRate()
  let stage = ''
  let label = ''
  return {
    onFile: ({ name }, at, of) => {
      label = of === 1 ? name : `${name} (${at}/${of})`
      stage = ''
    },
    onProgress: (now, done, total) => {
      if (now !== stage) {
        rate = new TransferRate()
        stage = now
        progress.line(`${now} ${label}`)
      }
      rate.add(done)
      progress.update(`${label}  ${now} ${transferText(done, total, rate)}`)
    },
    onRetry: (_file, reason, seconds) => progress.line(`${label}: ${reason}; trying again in ${seconds} s`),
  }
}

/** What is said at the end. */
export function outcome(source: Source, folder: string, files: readonly GotFile[]): string {
  const fetched = files.filter(({ status }) => status === 'fetched')
  const shown = files.length > 6 ? fetched.slice(0, 6) : files
  const lines = shown.map(({ name, status, bytes, sha256, checked, unpacked }) => {
    const contents = unpacked === null ? '' : `, ${unpacked} files`
    const comparison = checked ? 'checksum right' : `SHA-256 ${sha256}, nothing to compare it with`
    return `  ${name}: ${status === 'there' ? 'there already' : formatBytes(bytes)}${contents}, ${comparison}`
  })
  const more = files.length - shown.length
  if (more > 0)
    lines.push(
      `  ${shown.length === 0 ? 'all' : 'and'} ${more} ${fetched.length === 0 ? 'files there already' : 'more'}`,
    )
  return `${source.title} is in ${folder}\n${lines.join('\n')}\n\nNext        ${nextCommand(source, folder)}\n`
}

function nextCommand({ location, name, size, channels }: Source, folder: string): string {
  const data = location === '.' ? folder : join(folder, location)
  // Recipes say how large radiographs of 1,024 pixels shall become; no network takes less than 32.
  const side = size === 1024 ? '' : ` --set data.size=${Math.max(size, 32)}`
  const colour = channels === 3 ? ' --set data.channels=3' : ''
  return `plurad train chexnet --data ${shellWord(data)}${side}${colour} --out runs/${name}`
}

function list(): string {
  const families = [...new Set(sources.map(({ family }) => family))]
  const rows = families.map((family) => {
    const members = sources.filter((source) => source.family === family)
    const suffixes = members.flatMap(({ name }) => (name === family ? [] : [name.slice(family.length)]))
    const [first] = members
    return [
      suffixes.length === 0 ? family : `${family}[${suffixes.join('|')}]`,
      first?.images ?? 0,
      first?.labels ?? 0,
      first?.channels === 3 ? 'colour' : 'grey',
      first?.licence.name.replace("the NIH Clinical Center's terms", 'NIH, with credit') ?? '',
    ]
  })
  const table = formatTable(['name', 'images', 'labels', '', 'licence'], rows)
  return `${table}\n\nWithout a number MedMNIST is 28 x 28 pixels. Next: plurad data get chestmnist_64 --out data\n`
}
