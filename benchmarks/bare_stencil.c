/* The bare stencil of order 8: two buffers, k = v**2 dt**2 / h**2, no layer, no receivers.

   In 2D (NDIM 2) the first axis has one point. q(t) enters at the point `source`. */

#define C0 (-205.0f / 72 * NDIM)
static const float c[5] = {0, 8.0f / 5, -1.0f / 5, 8.0f / 315, -1.0f / 560};

void propagate(float *restrict u, float *restrict v, const float *restrict k, const float *q,
               long n0, long n1, long n2, long steps, long source)
{
  const long sx = n1 * n2, sy = n2, rim = NDIM == 3 ? 4 : 0;
  for (long t = 0; t < steps; t++) {
    #pragma omp parallel for collapse(2) schedule(static)
    for (long x = rim; x < n0 - rim; x++)
      for (long y = 4; y < n1 - 4; y++)
        #pragma omp simd
        for (long z = 4; z < n2 - 4; z++) {
          const long i = x * sx + y * sy + z;
          float sum = C0 * u[i];
          for (int o = 1; o < 5; o++)
#if NDIM == 3
            sum += c[o] * (u[i - o] + u[i + o] + u[i - o * sy] + u[i + o * sy]
                           + u[i - o * sx] + u[i + o * sx]);
#else
            sum += c[o] * (u[i - o] + u[i + o] + u[i - o * sy] + u[i + o * sy]);
#endif
          v[i] = 2 * u[i] - v[i] + k[i] * sum;
        }
    v[source] += k[source] * q[t];
    float *w = u; u = v; v = w;
  }
}
