/** Collects garbage on demand: the tests of the backstop behind scopes. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { liveTensors } from '../src/index.js'

setFlagsFromString('--expose-gc')
export const collectGarbage = runInNewContext('gc') as () => void

/** Collects until nothing more is freed: finalizers run after the collection, in a task of their own. */
export async function settle(): Promise<number> {
  let live = liveTensors()
  for (let unchanged = 0; unchanged < 3;) {
    collectGarbage()
    await new Promise((resolve) => setTimeout(resolve, 5))
    unchanged = liveTensors() === live ? unchanged + 1 : 0
    live = liveTensors()
  }
  return live
}
