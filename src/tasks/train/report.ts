import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { ModelCard } from '../../card/index.js';
import { partsText } from './card.js';
import { courseText } from './course.js';
import type { Examined, ReportSample, ReportTable } from './examined.js';
import type { Trained } from './write-model.js';

/** A page that needs nothing else: curves, scores, table, best and worst samples, recipe. */
export async function makeReport(folder: string, card: ModelCard, trained: Pick<Trained, 'recipe' | 'history' | 'bestEpoch' | 'scoreName' | 'engine' | 'loaded'>, examined: Examined): Promise<string> {
  const { recipe, loaded } = trained;
  const curves = await readFile(join(folder, 'curves.png')).catch(() => undefined);
  const facts: readonly (readonly [string, string])[] = [
    ['Network', `${card.architecture ?? recipe.network.architecture}, ${(card.total_parameters ?? 0).toLocaleString('en-US')} parameters`],
    ['Data', `${card.data?.name ?? ''}; ${partsText(loaded.split, recipe.training)}`],
    ['Split', card.data?.split ?? ''],
    ['Fingerprint of the data', card.data?.fingerprint ?? ''],
    ['Training', courseText(trained)],
    ['Licence of the model', card.license ?? 'not stated'],
  ];
  return [
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">',
    `<title>${escapeHtml(card.name)}</title><style>${STYLE}</style></head><body>`,
    `<h1>${escapeHtml(card.name)}</h1>`, card.description === undefined ? '' : `<p>${escapeHtml(card.description)}</p>`,
    `<table class="facts">${facts.map(([name, value]) => `<tr><th>${name}</th><td>${escapeHtml(value)}</td></tr>`).join('')}</table>`,
    curves === undefined ? '' : `<h2>Learning curves</h2><img alt="losses and scores by epoch" src="${dataUrl(curves)}">`,
    `<h2>Scores</h2>${scoreTable(card)}`,
    `<h2>${escapeHtml(examined.table.title)}</h2><p>On ${escapeHtml(examined.on)}.</p>${tableHtml(examined.table)}`,
    sampleSection('Worst samples', 'The truth may be wrong, too: look at them.', examined.extremes.worst),
    sampleSection('Best samples', '', examined.extremes.best),
    `<h2>Recipe</h2><pre>${escapeHtml(stringify(recipe))}</pre>`,
    `<p><code>${escapeHtml((card.trained_with ?? '').split(' # ')[0]!)}</code></p>`,
    '</body></html>\n',
  ].join('\n');
}

const STYLE = 'body{font:15px/1.5 system-ui,sans-serif;max-width:960px;margin:2em auto;padding:0 1em;color:#222}table{border-collapse:collapse;display:block;overflow-x:auto}th,td{padding:.2em .7em;border-bottom:1px solid #ddd;text-align:left;vertical-align:top}td.n{text-align:right;font-variant-numeric:tabular-nums}img{max-width:100%}.samples{display:flex;flex-wrap:wrap;gap:1em}.samples figure{margin:0;max-width:800px}figcaption{font-size:13px;max-width:32em;overflow-wrap:anywhere}pre{background:#f5f5f5;padding:1em;overflow:auto;font-size:13px}.facts th{white-space:nowrap}';

function scoreTable(card: ModelCard): string {
  const scores = card.scores ?? [];
  if (scores.length === 0) return '<p>None: nothing was kept apart to measure on.</p>';
  const rows = scores.map((score) => `<tr><td>${escapeHtml(score.metric)}</td><td>${escapeHtml(score.of ?? 'this model')}</td><td class="n">${score.value.toFixed(4)}</td><td>${escapeHtml(score.on)}</td></tr>`);
  return `<table><tr><th>metric</th><th>of</th><th>value</th><th>on</th></tr>${rows.join('')}</table>`;
}

function tableHtml({ head, rows, strength }: ReportTable): string {
  const cell = (value: string | number, row: number, column: number): string => {
    const share = column === 0 ? undefined : strength?.[row]?.[column - 1];
    return `<td${column === 0 ? '' : ' class="n"'}${share === undefined ? '' : ` style="background:rgba(31,111,178,${(share * 0.6).toFixed(2)})"`}>${escapeHtml(typeof value === 'number' ? value.toLocaleString('en-US') : value)}</td>`;
  };
  return `<table><tr>${head.map((name) => `<th>${escapeHtml(name)}</th>`).join('')}</tr>${rows.map((row, index) => `<tr>${row.map((value, column) => cell(value, index, column)).join('')}</tr>`).join('')}</table>`;
}

function sampleSection(title: string, remark: string, samples: readonly ReportSample[]): string {
  if (samples.length === 0) return '';
  const figures = samples.map(({ name, text, pictures }) => `<figure>${pictures.map((picture) => `<img alt="" src="${dataUrl(picture)}">`).join(' ')}<figcaption><b>${escapeHtml(name)}</b><br>${escapeHtml(text)}</figcaption></figure>`);
  return `<h2>${title}</h2>${remark === '' ? '' : `<p>${remark}</p>`}<div class="samples">${figures.join('')}</div>`;
}

function dataUrl(bytes: Uint8Array): string {
  return `data:image/${bytes[0] === 0xff ? 'jpeg' : 'png'};base64,${Buffer.from(bytes).toString('base64')}`;
}

function escapeHtml(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;');
}
