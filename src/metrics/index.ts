export {
  applyThreshold, averagePrecisionPerTag, bestConstantTags, constantTags, fBeta, fBetaPerTag, precisionRecall, precisionRecallPerTag, subsetAccuracy, tagAccuracy, topKAccuracy,
  type FBetaOptions, type PrecisionRecall, type TagAverage,
} from './tags.js';
export {
  accuracy, addToConfusion, classPrecisionRecall, confusionMatrix, constantConfusion, dice, intersectionOverUnion, meanIntersectionOverTrue, meanIntersectionOverUnion, truthCounts,
  type ConfusionMatrix,
} from './classes.js';
