/** Without a libtorch addon that fits, everything that does not need it works, and the rest says what to do. */
import { spawnSync } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fail, makeWorkplace, plurad, succeed, type Workplace } from './cli.js'

let here: Workplace
beforeAll(async () => {
  here = await makeWorkplace({ count: 4 })
})
afterAll(() => rmSync(here.folder, { recursive: true, force: true }))

const hasCompiler = spawnSync('g++', ['--version']).status === 0

/** A build whose addon is this file. */
function buildOf(addon: string): NodeJS.ProcessEnv {
  const file = `${addon}.json`
  writeFileSync(file, JSON.stringify({ addon, libtorch: { root: '/opt/other-libtorch' } }))
  return { PLURAD_TORCH_BUILD: file }
}

async function expectRefusal(env: NodeJS.ProcessEnv, reason: RegExp): Promise<void> {
  const train = ['train', here.recipe, '--data', here.data, '--out', here.path('run')]
  expect(await fail(train, { env })).toMatch(reason)
  // The engine's thread is the one that finds out here.
  writeFileSync(here.path('m.safetensors'), '')
  expect(await fail(['predict', here.path('m.safetensors'), here.recipe], { env })).toMatch(reason)

  const doctor = await plurad(['doctor'], { env })
  expect(doctor, doctor.stderr).toMatchObject({ code: 1, stderr: '' })
  expect(doctor.stdout).toMatch(reason)
  expect(doctor.stdout).toMatch(/to do: .*plurad setup/)
  expect(doctor.stdout).toContain('Training cannot run here yet.')
  const facts = await plurad(['doctor', '--json'], { env })
  expect(facts.code).toBe(1)
  expect(JSON.parse(facts.stdout)).toMatchObject({ canTrain: false, addon: { loads: false } })
}

describe('the libtorch addon', () => {
  it('that is not built', { timeout: 60_000 }, async () => {
    const env = { PLURAD_TORCH_BUILD: here.path('nothing.json') }
    await expectRefusal(env, /not built/)
    await succeed(['setup', '--help'], { env })
    await succeed(['--version'], { env })
  })

  it('that is no library', { timeout: 60_000 }, async () => {
    const addon = here.path('garbage.node')
    writeFileSync(addon, 'garbage')
    await expectRefusal(buildOf(addon), /does not load/)
  })

  it.skipIf(!hasCompiler)('of another C++ ABI (needs a compiler)', { timeout: 60_000 }, async () => {
    const addon = here.path('abi.node')
    const source = here.path('abi.cc')
    // A name of the library that this one does not have, as after an upgrade of libtorch.
    writeFileSync(source, 'namespace c10 { extern int gone; } extern "C" int *used = &c10::gone;\n')
    expect(spawnSync('g++', ['-shared', '-fPIC', '-o', addon, source]).status).toBe(0)
    await expectRefusal(buildOf(addon), /does not load/)
    const said = await fail(['predict', here.path('m.safetensors'), here.recipe], { env: buildOf(addon) })
    expect(said).toMatch(/undefined symbol.*built for another libtorch, or for the other C\+\+ ABI/)
    expect(said).toContain('/opt/other-libtorch')
  })
})
