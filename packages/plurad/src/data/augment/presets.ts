/** Named lists of augmentations. A starting point, to be looked at with `plurad data preview` before it is trusted. */
import type { AugmentationStep } from './steps.js'

export const presets: Readonly<Record<string, readonly AugmentationStep[]>> = {
  /**
   * Chest and other radiographs: how a patient stands and how an exposure is made. No mirroring: it moves the heart to the
   * right. Gamma instead of brightness: that would turn what is bright, such as the heart, to even white.
   */
  radiograph: [
    { name: 'affine', degrees: 7, translate: 0.05, scale: [0.9, 1.1] },
    { name: 'contrast', factor: [0.8, 1.1] },
    { name: 'gamma', range: [0.75, 1.33] },
  ],
  /** Photographs of the fundus: mirrored, a right eye is a left eye. */
  fundus: [
    { name: 'horizontal_flip' },
    { name: 'affine', degrees: 20, translate: 0.03, scale: [0.9, 1.1] },
    { name: 'brightness', factor: [0.85, 1.15] },
    { name: 'contrast', factor: [0.85, 1.15] },
    { name: 'gaussian_blur', sigma: [0.1, 0.8], p: 0.2 },
  ],
  /** Slices of CT and MR volumes: after nnU-Net's (Isensee et al., 2021), milder, and without mirroring. */
  slice: [
    { name: 'affine', degrees: 10, translate: 0.05, scale: [0.85, 1.15] },
    { name: 'gaussian_noise', std: [0, 0.02], p: 0.2 },
    { name: 'gaussian_blur', sigma: [0.3, 0.8], p: 0.2 },
    { name: 'brightness', factor: [0.85, 1.15], p: 0.3 },
    { name: 'contrast', factor: [0.8, 1.2], p: 0.3 },
    { name: 'gamma', range: [0.7, 1.4], p: 0.3 },
  ],
  /**
   * Views of radiographs for the stage simclr, which are to differ in much and show the same findings: cuts after SimCLR's
   * (Chen et al., 2020), whose area begins at 0.08, changes of exposure instead of colour, no mirroring.
   */
  simclr_radiograph: [
    { name: 'rotation', degrees: 10, fill: 'edge' },
    { name: 'random_resized_crop', scale: [0.3, 1] },
    { name: 'contrast', factor: [0.6, 1.4] },
    { name: 'gamma', range: [0.6, 1.67] },
    { name: 'gaussian_blur', sigma: [0.1, 1], p: 0.5 },
  ],
  /** The same for photographs of the fundus, which may be mirrored and turned further. */
  simclr_fundus: [
    { name: 'horizontal_flip' },
    { name: 'rotation', degrees: 45, fill: 'edge' },
    { name: 'random_resized_crop', scale: [0.3, 1] },
    { name: 'brightness', factor: [0.6, 1.4] },
    { name: 'contrast', factor: [0.6, 1.4] },
    { name: 'gaussian_blur', sigma: [0.1, 1], p: 0.5 },
  ],
}
