import type { Rgba } from '../raster/index.js';
import type { TiffDescription } from './types.js';

/**
 * The XML of tag `GDAL_METADATA`: items, band names, class names. Class names stand there twice: as items `CLASS_<value>`,
 * which every GDAL shows, and as the raster attribute table that GDAL ≥ 3.12 and QGIS read from it. Older GDALs take class
 * names only from the sidecar of {@link classSidecar}. `undefined` where there is nothing to say.
 */
export function metadataXml(bands: number, description: TiffDescription): string | undefined {
  const items: string[] = [];
  for (const [name, value] of Object.entries(description.metadata ?? {})) {
    items.push(`  <Item name="${escapeXml(name)}">${itemText(value)}</Item>`);
  }
  description.bandMetadata?.slice(0, bands).forEach((list, band) => {
    for (const [name, value] of Object.entries(list)) items.push(`  <Item name="${escapeXml(name)}" sample="${band}">${itemText(value)}</Item>`);
  });
  description.bandNames?.slice(0, bands).forEach((name, band) => {
    items.push(`  <Item name="DESCRIPTION" sample="${band}" role="description">${itemText(name)}</Item>`);
  });
  description.scaling?.slice(0, bands).forEach(({ scale, offset }, band) => {
    if (scale === 1 && offset === 0) return;
    items.push(`  <Item name="OFFSET" sample="${band}" role="offset">${offset}</Item>`, `  <Item name="SCALE" sample="${band}" role="scale">${scale}</Item>`);
  });
  description.units?.slice(0, bands).forEach((unit, band) => {
    if (unit !== '') items.push(`  <Item name="UNITTYPE" sample="${band}" role="unittype">${itemText(unit)}</Item>`);
  });
  if (description.classNames !== undefined) {
    description.classNames.forEach((name, value) => {
      if (name !== '') items.push(`  <Item name="CLASS_${value}">${itemText(name)}</Item>`);
    });
    const table = attributeTable(description.classNames, description.palette, '    ');
    items.push(`  <Item name="DEFAULT_RASTER_ATTRIBUTE_TABLE" sample="0" role="rat">\n${table}\n  </Item>`);
  }
  return items.length === 0 ? undefined : `<GDALMetadata>\n${items.join('\n')}\n</GDALMetadata>\n`;
}

/**
 * Text of the sidecar `<file>.aux.xml` from which every GDAL, and so QGIS, takes class names: category names and a raster
 * attribute table with colours. `undefined` without class names.
 */
export function classSidecar(description: TiffDescription): string | undefined {
  const { classNames, palette } = description;
  if (classNames === undefined) return undefined;
  const categories = classNames.map((name) => `      <Category>${escapeXml(name)}</Category>`).join('\n');
  return `<PAMDataset>
  <PAMRasterBand band="1">
    <CategoryNames>
${categories}
    </CategoryNames>
${attributeTable(classNames, palette, '    ')}
  </PAMRasterBand>
</PAMDataset>
`;
}

/** Columns with GDAL's field types (0 integer, 2 text) and usages (5 value, 2 name, 6–8 red, green, blue). */
const VALUE_COLUMNS = [['value', 0, 5], ['class', 2, 2]] as const;
const COLOUR_COLUMNS = [['red', 0, 6], ['green', 0, 7], ['blue', 0, 8]] as const;

/** GDAL's XML of a raster attribute table: one row per named value. */
function attributeTable(classNames: readonly string[], palette: readonly Rgba[] | undefined, indent: string): string {
  const columns = palette === undefined ? VALUE_COLUMNS : [...VALUE_COLUMNS, ...COLOUR_COLUMNS];
  const lines = ['<GDALRasterAttributeTable tableType="thematic">'];
  columns.forEach(([name, type, usage], index) => {
    lines.push(`  <FieldDefn index="${index}"><Name>${name}</Name><Type>${type}</Type><Usage>${usage}</Usage></FieldDefn>`);
  });
  let row = 0;
  classNames.forEach((name, value) => {
    if (name === '') return;
    const colour = palette === undefined ? [] : (palette[value] ?? [0, 0, 0]).slice(0, 3);
    const cells = [value, escapeXml(name), ...colour].map((cell) => `<F>${cell}</F>`).join('');
    lines.push(`  <Row index="${row++}">${cells}</Row>`);
  });
  lines.push('</GDALRasterAttributeTable>');
  return lines.map((line) => indent + line).join('\n');
}

/** GDAL escapes the text of items twice and, reading, undoes it twice. */
function itemText(text: string): string {
  return escapeXml(escapeXml(text));
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
    // Other control characters are not allowed in XML 1.0 at all.
    .replaceAll(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g, '');
}
