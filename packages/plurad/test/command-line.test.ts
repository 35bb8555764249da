/** What scripts rely on: exit codes, standard output that holds the outcome alone, JSON, help. */
import { spawn } from 'node:child_process'
import { existsSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeWorkplace, plurad, sets, succeed, type Ended, type Workplace } from './cli.js'

let here: Workplace
let run: string
let trained: Ended
let image: string

beforeAll(async () => {
  here = await makeWorkplace()
  run = here.path('run')
  image = join(here.data, 'images', readdirSync(join(here.data, 'images')).sort()[0])
  trained = await succeed([
    ...['train', here.recipe, '--data', here.data, '--out', run, '--json'],
    ...sets('training.epochs=1'),
  ])
}, 60_000)
afterAll(() => rmSync(here.folder, { recursive: true, force: true }))

const commands = [
  'demo',
  'setup',
  'doctor',
  'recipes',
  'models',
  'data',
  'train',
  'evaluate',
  'compare',
  'ensemble',
  'predict',
  'explain',
  'export',
  'report',
  'card',
]

/** Commands that a help text lists. */
function commandsIn(help: string): string[] {
  const names = [...help.matchAll(/^ {2}([a-z]+)(?: \[options\])?(?: <| \[|  )/gm)].map(([, name]) => name)
  return names.filter((name) => name !== 'help')
}

describe('help', () => {
  it('lists every command that there is a test for', async () => {
    const { stdout } = await succeed(['--help'])
    expect(commandsIn(stdout)).toEqual(commands)
  })

  it.each(commands)('of %s has an example', async (command) => {
    const { stdout, stderr } = await succeed([command, '--help'])
    expect(stdout).toMatch(new RegExp(`Examples?:\\n\\s+(\\$ )?plurad ${command}\\b`))
    expect(stderr).toBe('')
  })

  it('of every data command has an example', async () => {
    const names = commandsIn((await succeed(['data', '--help'])).stdout)
    expect(names).toEqual(expect.arrayContaining(['get', 'inspect', 'audit', 'split']))
    for (const name of names) {
      const { stdout } = await succeed(['data', name, '--help'])
      expect(stdout).toMatch(new RegExp(`Examples?:\\n\\s+(\\$ )?plurad data ${name}\\b`))
      expect(stdout).toMatch(/--json\b/)
    }
  })
})

describe('exit codes', () => {
  it.each([
    [0, ['--version']],
    [0, ['recipes']],
    [1, ['report', 'nowhere']],
    [1, ['predict', 'nowhere', 'nothing.png']],
    [2, []],
    [2, ['trian']],
    [2, ['train']],
    [2, ['train', 'demo', '--out', 'x']],
    [2, ['train', '--outt', 'x']],
    [2, ['predict', 'nowhere']],
  ])('are %i for %j', async (code, args) => {
    const result = await plurad(args, { cwd: here.folder })
    expect(result.code, result.stderr).toBe(code)
    if (code > 0) expect(result.stdout).toBe('')
    else expect(result.stderr).toBe('')
  })

  it('come with the command that was meant', async () => {
    expect((await plurad(['trian'])).stderr).toContain('train')
  })
})

describe('JSON', () => {
  it('is all that standard output holds', { timeout: 60_000 }, async () => {
    const outcome = JSON.parse(trained.stdout) as Record<string, unknown>
    expect(outcome).toMatchObject({ finished: true, epochs: 1, folder: run, skipped: 0 })
    const findings = JSON.parse((await succeed(['predict', run, image, '--json'])).stdout) as unknown[]
    expect(findings).toMatchObject([{ image, findings: expect.arrayContaining([]) as unknown }])
    const metrics = JSON.parse(
      (await succeed(['evaluate', run, '--split', 'test', '--json'])).stdout,
    ) as object
    const own = JSON.parse(readFileSync(join(run, 'metrics.json'), 'utf8')) as { test: { images: number } }
    expect(metrics).toMatchObject({ images: own.test.images })
    for (const command of ['recipes', 'doctor']) JSON.parse((await succeed([command, '--json'])).stdout)
  })

  it('also tells of images that could not be read', async () => {
    const { code, stdout, stderr } = await plurad(['predict', run, here.recipe, '--json'])
    expect({ code, stderr }).toEqual({ code: 1, stderr: '1 of 1 images could not be read.\n' })
    expect(JSON.parse(stdout)).toMatchObject([{ image: here.recipe, error: expect.any(String) as unknown }])
  })
})

describe('standard output', () => {
  it('holds the outcome, standard error the progress', { timeout: 60_000 }, async () => {
    const { stdout, stderr } = await succeed(['train', '--resume', '--out', run])
    expect(stdout).toMatch(/^\nTest split, \d+ images/)
    expect(stdout).not.toMatch(/Epoch|Model {2}/)
    expect(stderr).toMatch(/^Data .*\nSplit .*\nModel /)
    expect(stderr).not.toContain('\r')
    expect(existsSync(join(run, 'report.html'))).toBe(true)
  })

  it('may be closed early', async () => {
    const main = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url))
    const child = spawn(process.execPath, [main, 'recipes', '--json'], { stdio: ['ignore', 'pipe', 'pipe'] })
    child.stdout.destroy()
    let stderr = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
    const code = await new Promise((resolve) => child.on('close', resolve))
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  })
})
