// Cairo's raster, SVG and PDF surfaces.
#pragma once
#include <cairo.h>
#include <cairo-pdf.h>
#include <cairo-svg.h>
