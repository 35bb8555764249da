/**
 * How long OpenMP threads spin at a barrier before they sleep. The default of libgomp is about a millisecond a barrier,
 * and a training step has a thousand of them: beside any other busy process, each waits for a thread that is not
 * running, and a step takes ten times as long. Sleeping at once (OMP_WAIT_POLICY=passive) costs a fifth of the speed on
 * a quiet machine; a short spin costs nothing there. See docs/decisions/004.
 */
const SPINS = '10000'

/** Has to run before libgomp is loaded, and in the main thread: a worker's `process.env` is a copy. */
export function limitSpinning(): void {
  const { env } = process
  if (env['OMP_WAIT_POLICY'] === undefined && env['GOMP_SPINCOUNT'] === undefined)
    env['GOMP_SPINCOUNT'] = SPINS
}
