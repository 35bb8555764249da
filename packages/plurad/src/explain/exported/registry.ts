/** Every method that works without libtorch, by its name on the command line. Adding one is a file and a line here. */
import { attention } from './attention.js'
import { cam } from './cam.js'
import type { ExportedMethod } from './method.js'

export const exportedMethods: Readonly<Record<string, ExportedMethod>> = { cam, attention }
