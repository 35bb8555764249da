/** Every corruption by its name on the command line. Adding one is a file beside this and a line here. */
import { blur } from './blur.js'
import { contrast } from './contrast.js'
import type { Corruption } from './corruption.js'
import { jpeg } from './jpeg.js'
import { noise } from './noise.js'

export const corruptions: readonly Corruption[] = [noise, blur, contrast, jpeg]
