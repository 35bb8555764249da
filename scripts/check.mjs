/**
 * Every check, one after the other, with a heading and the seconds it took. All of them run, also
 * after one has failed. The last line is the count of tests: `N passed, M failed`.
 */
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..')
const modules = (path) => join(ROOT, 'node_modules', path)
const scratch = mkdtempSync(join(tmpdir(), 'plurad-check-'))
const results = join(scratch, 'vitest.json')

const projects = ['.', ...['torch', 'plurad'].map((name) => `packages/${name}/tsconfig.test.json`)]
const checks = [
  ['types (tsc -b)', modules('typescript/bin/tsc'), ['-b', ...projects]],
  [
    'format (prettier)',
    modules('prettier/bin/prettier.cjs'),
    ['--check', '--log-level', 'warn', '--cache', '--cache-strategy', 'content', '.'],
  ],
  ['lint (eslint)', modules('eslint/bin/eslint.js'), ['.', '--max-warnings', '0']],
  [
    'dependencies (dependency-cruiser)',
    modules('dependency-cruiser/bin/dependency-cruise.mjs'),
    ['packages', '--config', '.dependency-cruiser.cjs', '--output-type', 'err'],
  ],
  ['dead exports', join(ROOT, 'scripts/dead-exports.mjs'), []],
  [
    'tests (vitest)',
    modules('vitest/vitest.mjs'),
    ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${results}`],
  ],
]

const failed = []
for (const [name, script, args] of checks) {
  console.log(`\n== ${name}`)
  const from = Date.now()
  const code = await run(script, args)
  console.log(`== ${name}: ${code === 0 ? 'ok' : 'FAILED'}, ${((Date.now() - from) / 1000).toFixed(1)} s`)
  if (code !== 0) failed.push(name)
}

const counts = countTests()
rmSync(scratch, { recursive: true, force: true })
if (failed.length > 0 || counts.failed > 0) process.exitCode = 1
console.log(failed.length > 0 ? `\nfailed checks: ${failed.join(', ')}` : '\nall checks passed')
console.log(
  `${counts.passed} passed, ${counts.failed} failed${counts.skipped > 0 ? `, ${counts.skipped} skipped` : ''}`,
)

function run(script, args) {
  return new Promise((done) => {
    const child = spawn(process.execPath, [script, ...args], {
      cwd: ROOT,
      stdio: ['ignore', 'inherit', 'inherit'],
    })
    child.on('error', (error) => {
      console.error(error.message)
      done(1)
    })
    child.on('close', (code, signal) => done(signal ? 1 : code))
  })
}

/** A test file that fails before its first test, or a vitest that fell over, counts as one failure. */
function countTests() {
  if (!existsSync(results)) return { passed: 0, failed: 1, skipped: 0 }
  const report = JSON.parse(readFileSync(results, 'utf8'))
  const broken = report.testResults.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
  )
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + broken.length,
    skipped: report.numPendingTests + (report.numTodoTests ?? 0),
  }
}
