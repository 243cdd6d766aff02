import type { Recipe, RecipeAugment, RecipeLoss, RecipeOptimizer, RecipeSchedule } from './recipe.js';

/** A stage with everything that decides it. */
export interface Stage {
  readonly name: string;
  readonly epochs: number;
  readonly batch: number;
  /** Segmenters. */
  readonly patch: number | undefined;
  /** Chips: edge of the input that is trained on. */
  readonly size: number | undefined;
  readonly freeze: readonly string[];
  readonly patience: number | undefined;
  readonly optimizer: RecipeOptimizer;
  readonly schedule: RecipeSchedule;
  readonly loss: RecipeLoss;
  readonly augment: RecipeAugment;
}

/** The stages of a recipe, each filled up from its other sections; one where it names none. */
export function resolveStages(recipe: Recipe): readonly Stage[] {
  const { training, optimizer, schedule, loss, augment, network } = recipe;
  const stages = recipe.stages.length > 0 ? recipe.stages : [{}];
  return stages.map((stage, index) => ({
    name: stage.name ?? String(index + 1),
    epochs: stage.epochs ?? training.epochs,
    batch: stage.batch ?? training.batch,
    patch: stage.patch ?? training.patch,
    size: stage.size ?? network.size,
    freeze: stage.freeze ?? [],
    patience: stage.patience ?? training.patience,
    optimizer: { ...optimizer, ...stage.optimizer, ...(stage.lr === undefined ? {} : { lr: stage.lr }) },
    // Another schedule begins anew: what the recipe says of its own means nothing to it.
    schedule: stage.schedule?.name === undefined || stage.schedule.name === schedule.name ? { ...schedule, ...stage.schedule } : { name: stage.schedule.name, ...stage.schedule },
    loss: { ...loss, ...stage.loss },
    augment: { ...augment, ...stage.augment },
  }));
}

/** Epochs of all stages together. */
export function totalEpochs(recipe: Recipe): number {
  return resolveStages(recipe).reduce((sum, stage) => sum + stage.epochs, 0);
}
