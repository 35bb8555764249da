/** Layouts of public collections whose file names tell the patient; the first group is the patient. */
const layouts: readonly RegExp[] = [
  // NIH ChestX-ray14: 00000013_005.png
  /(?:^|\/)(000\d{5})_\d{3}(?:\.\w+)?$/,
  // CheXpert: patient00001/study1/view1_frontal.jpg
  /(?:^|\/)(patient\d{5,})[/_]/,
  // MIMIC-CXR: p10/p10000032/s50414267/….dcm
  /(?:^|\/)(p\d{8})[/_]/,
  // Pediatric pneumonia radiographs (Kermany): person100_bacteria_475.jpeg, BACTERIA-1008087-0001.jpeg
  /(?:^|\/)(person\d+_(?:bacteria|virus))_\d+\./i,
  /(?:^|\/)((?:BACTERIA|VIRUS|NORMAL)-\d{5,})-\d+\./,
  // ODIR-5K: 17_left.jpg
  /(?:^|\/)(\d+)_(?:left|right)(?:\.\w+)?$/,
]

/** The patient that an image's name shows, for names of known layouts only; null for all others. */
export function patientInName(image: string): string | null {
  const name = image.replaceAll('\\', '/')
  for (const layout of layouts) {
    const match = layout.exec(name)
    if (match !== null) return match[1]
  }
  return null
}
