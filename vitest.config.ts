import { defineConfig } from 'vitest/config'

// Two test processes whose OpenMP threads spin while they wait slow each other down several times over.
process.env.OMP_WAIT_POLICY ??= 'passive'

export default defineConfig({
  test: {
    pool: 'forks',
    include: ['packages/*/src/**/*.test.ts', 'packages/*/test/**/*.test.ts'],
    setupFiles: ['vitest.setup.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    env: { OMP_WAIT_POLICY: process.env.OMP_WAIT_POLICY },
  },
})
