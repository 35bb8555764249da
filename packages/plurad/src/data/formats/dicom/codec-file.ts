/**
 * Finds the decoders' WebAssembly code in the installed packages. The only part of reading DICOM that needs Node: a web page
 * fetches the same file instead.
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { decodeWithCharLs } from './charls.js'
import { findDecoders, useForGreyJpegLs } from './codecs.js'

findDecoders(() => {
  const path = createRequire(import.meta.url).resolve('dcmjs-codecs/build/dcmjs-native-codecs.wasm')
  return new Uint8Array(readFileSync(path))
})

useForGreyJpegLs(decodeWithCharLs)
