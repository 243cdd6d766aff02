import type { CardScore, ModelCard } from '../../card/index.js';

/** The README beside a model: its card for people, and how its training went. */
export function makeReadme(card: ModelCard, course: string): string {
  const { input, output, data } = card;
  const [, height, width] = input.shape;
  const size = height === -1 ? `any size that is a multiple of ${input.multiple_of ?? 1}` : `${width}×${height} pixels${input.window === undefined || input.window === width ? '' : `, a square of ${input.window} scene pixels reduced by averaging`}`;
  const lines = [
    `# ${card.name}`, '', card.description ?? taskText(card), '',
    `- **Network**: ${card.architecture ?? 'unknown'}${card.total_parameters === undefined ? '' : `, ${card.total_parameters.toLocaleString('en-US')} parameters`}`,
    `- **Input**: ${input.bands.join(', ')}, 8 bits, ${size}${input.gsd === undefined ? '' : `; trained on about ${input.gsd} m per pixel`}. Samples go in as they are (${input.data_type}); scaling is in the graph.`,
    output.classes.length > 0 ? `- **Output**: ${output.classes.map((item) => item.name).join(', ')}${output.features === undefined ? '' : `; and ${output.features.dimensions} features`}` : `- **Output**: ${output.features?.dimensions ?? 0} features`,
    ...(output.classes[0]?.threshold === undefined ? [] : [`- **Threshold**: ${thresholdText(output.classes)}`]),
    ...(card.receptive_field === undefined ? [] : [`- **Receptive field**: ${card.receptive_field} pixels; with an overlap of as much and the blend "crop" patch borders have no influence at all, with less they have little`]),
    `- **Licence of the model**: ${card.license ?? 'not stated'}`, '',
    '## Data', '',
    `${data?.name ?? 'not stated'}${data?.source === undefined ? '' : ` (${data.source})`}. Licence: ${data?.license ?? 'not stated'}.`, '',
    `Split: ${data?.split ?? 'not stated'}.`, '',
    ...(card.scores === undefined || card.scores.length === 0 ? ['## Scores', '', 'None: nothing was kept apart to measure on.', '', ...(output.classes.length > 0 ? ['![learning curves](curves.png)', ''] : [])] : scoreSection(card.scores, output.classes.map(({ name }) => name))),
    ...(card.limits === undefined ? [] : ['## Limits', '', ...card.limits.map((limit) => `- ${limit}`), '']),
    ...howMade(card.trained_with),
    course, '',
  ];
  return lines.join('\n');
}

/** What a model does, where nobody described it. */
function taskText({ task, output }: ModelCard): string {
  const count = output.classes.length;
  if (task === 'multi-label-classification') return `Gives a chip any number of ${count} tags.`;
  if (task === 'classification') return `Gives a chip one of ${count} classes.`;
  return task === 'semantic-segmentation' ? `Gives every pixel one of ${count} classes.` : 'Gives a chip a vector of features.';
}

function thresholdText(classes: ModelCard['output']['classes']): string {
  const values = [...new Set(classes.map(({ threshold }) => threshold ?? 0.5))].sort((a, b) => a - b);
  return values.length === 1 ? `a tag counts from a probability of ${values[0]!} on` : `one per tag, from ${values[0]!} to ${values.at(-1)!} (in card.json)`;
}

/** The command as code, and what was remarked on it as text. */
function howMade(trainedWith: string | undefined): string[] {
  const [command, remark] = (trainedWith ?? 'not stated').split(' # ');
  return ['## How it was made', '', '```', command!, '```', '', ...(remark === undefined ? [] : [`${remark[0]!.toUpperCase()}${remark.slice(1)}.`, ''])];
}

function scoreSection(scores: readonly CardScore[], names: readonly string[]): string[] {
  const whole = scores.filter((score) => !score.metric.includes(' '));
  const single = scores.filter((score) => score.metric.includes(' '));
  const metrics = [...new Set(whole.map((score) => score.metric))];
  const makers = [...new Set(whole.map((score) => score.of ?? 'model'))];
  const unseen = single.length === 0 ? [] : names.filter((name) => !single.some(({ metric }) => metric.split(' ').slice(1).join(' ') === name));
  const cell = (metric: string, of: string): string => whole.find((score) => score.metric === metric && (score.of ?? 'model') === of)?.value.toFixed(3) ?? '';
  return [
    '## Scores', '', `On ${[...new Set(scores.map((score) => score.on))].join('; ')}; ${scores.every((score) => score.on.includes(' test ')) ? 'used for no choice, ' : ''}measured once, at the end, through the exported file.`, '',
    `| | ${metrics.join(' | ')} |`, `|---|${metrics.map(() => '---').join('|')}|`,
    ...makers.map((of) => `| ${of} | ${metrics.map((metric) => cell(metric, of)).join(' | ')} |`), '',
    ...(single.length === 0 ? [] : [`| ${single[0]!.metric.split(' ')[0]!} of | |`, '|---|---|', ...single.map((score) => `| ${score.metric.split(' ').slice(1).join(' ')} | ${score.value.toFixed(3)} |`), '', ...(unseen.length === 0 ? [] : [`In none of these samples: ${unseen.join(', ')}.`, ''])]),
    '![learning curves](curves.png)', '',
  ];
}
