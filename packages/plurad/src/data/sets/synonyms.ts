/**
 * Names under which public chest radiograph data sets know one and the same finding. Only other words for the same
 * thing: a nodule is no mass, and what one set counts under a wider name stays apart.
 */
const groups: readonly (readonly string[])[] = [
  ['No Finding', 'No findings', 'Normal'],
  ['Effusion', 'Pleural Effusion'],
  ['Edema', 'Oedema', 'Pulmonary Edema'],
  ['Emphysema', 'Pulmonary Emphysema'],
  ['Fibrosis', 'Pulmonary Fibrosis'],
  ['Hernia', 'Hiatal Hernia', 'Hiatus Hernia'],
  ['Infiltration', 'Infiltrate', 'Infiltrates'],
  ['Mass', 'Lung Mass', 'Pulmonary Mass'],
  ['Nodule', 'Lung Nodule', 'Pulmonary Nodule'],
  ['Nodule or mass', 'Nodule/Mass', 'Mass or nodule', 'Mass/Nodule'],
  ['Lung Opacity', 'Airspace Opacity', 'Pulmonary Opacity'],
  ['Interstitial Lung Disease', 'ILD'],
  ['Chronic Obstructive Pulmonary Disease', 'COPD'],
  ['Tuberculosis', 'TB'],
  ['Support Devices', 'Medical Devices'],
  ['Calcification of the Aorta', 'Aortic Calcification'],
  ['Tortuous Aorta', 'Aortic Tortuosity'],
  ['Subcutaneous Emphysema', 'Surgical Emphysema'],
]

const groupOf = new Map(
  groups.flatMap((names) => names.map((name) => [plain(name), plain(names[0])] as const)),
)

/** The same for all names of a finding, whatever their case, spaces and underscores. */
export function findingKey(name: string): string {
  return groupOf.get(plain(name)) ?? plain(name)
}

function plain(name: string): string {
  return name.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '')
}
