/* What the machine can do: bytes from memory and operations of the cores.

   `update` moves what a step of the acoustic equation must move, and computes next to nothing:
   it reads u and k, and reads and writes v, 16 bytes a point. `multiply_add` does 16 independent
   chains of multiplications and additions in registers: 2 * 16 * 16 * rounds operations a thread. */

void update(const float *restrict u, float *restrict v, const float *restrict k, long n, long steps)
{
  for (long t = 0; t < steps; t++) {
    #pragma omp parallel for simd schedule(static)
    for (long i = 0; i < n; i++)
      v[i] = k[i] * u[i] - v[i];
  }
}

float multiply_add(long rounds)
{
  float total = 0;
  #pragma omp parallel reduction(+ : total)
  {
    float a[16][16];
    for (int i = 0; i < 16; i++)
      for (int j = 0; j < 16; j++)
        a[i][j] = i + j;
    for (long t = 0; t < rounds; t++)
      for (int i = 0; i < 16; i++)
        #pragma omp simd
        for (int j = 0; j < 16; j++)
          a[i][j] = a[i][j] * 0.999f + 0.001f;
    for (int i = 0; i < 16; i++)
      for (int j = 0; j < 16; j++)
        total += a[i][j];
  }
  return total;
}
