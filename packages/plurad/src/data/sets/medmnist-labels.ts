/** What the numbers in MedMNIST's files mean: the files themselves do not say. Yang et al., MedMNIST v2, Scientific Data 10, 2023. */

const ORGANS = [
  'bladder',
  'femur-left',
  'femur-right',
  'heart',
  'kidney-left',
  'kidney-right',
  'liver',
  'lung-left',
  'lung-right',
  'pancreas',
  'spleen',
]

/** By the beginning of the file's name, as `chestmnist` of `chestmnist_224.npz`. */
const LABELS: Readonly<Record<string, readonly string[]>> = {
  bloodmnist: [
    'basophil',
    'eosinophil',
    'erythroblast',
    'immature granulocytes',
    'lymphocyte',
    'monocyte',
    'neutrophil',
    'platelet',
  ],
  breastmnist: ['malignant', 'normal or benign'],
  chestmnist: [
    'atelectasis',
    'cardiomegaly',
    'effusion',
    'infiltration',
    'mass',
    'nodule',
    'pneumonia',
    'pneumothorax',
    'consolidation',
    'edema',
    'emphysema',
    'fibrosis',
    'pleural',
    'hernia',
  ],
  dermamnist: [
    'actinic keratoses and intraepithelial carcinoma',
    'basal cell carcinoma',
    'benign keratosis-like lesions',
    'dermatofibroma',
    'melanoma',
    'melanocytic nevi',
    'vascular lesions',
  ],
  octmnist: ['choroidal neovascularization', 'diabetic macular edema', 'drusen', 'normal'],
  organamnist: ORGANS,
  organcmnist: ORGANS,
  organsmnist: ORGANS,
  pathmnist: [
    'adipose',
    'background',
    'debris',
    'lymphocytes',
    'mucus',
    'smooth muscle',
    'normal colon mucosa',
    'cancer-associated stroma',
    'colorectal adenocarcinoma epithelium',
  ],
  pneumoniamnist: ['normal', 'pneumonia'],
  retinamnist: ['grade 0', 'grade 1', 'grade 2', 'grade 3', 'grade 4'],
  tissuemnist: [
    'collecting duct, connecting tubule',
    'distal convoluted tubule',
    'glomerular endothelial cells',
    'interstitial endothelial cells',
    'leukocytes',
    'podocytes',
    'proximal tubule segments',
    'thick ascending limb',
  ],
}

/** @param stem a file's name without its ending; null where it is none of MedMNIST's */
export function medmnistLabels(stem: string): readonly string[] | null {
  const name = /^[a-z]+/.exec(stem.toLowerCase())?.[0] ?? ''
  return Object.hasOwn(LABELS, name) ? LABELS[name] : null
}
